import Training
import XCTest

final class DoctorTests: XCTestCase {
    private let wide = Processor(
        cpuinfo: """
            processor\t: 0
            model name\t: Example 9000
            flags\t\t: fpu avx fma avx2 avx512f avx512dq avx512bw avx512vl avx512_bf16

            processor\t: 1
            model name\t: Another
            flags\t\t: fpu
            """)

    private func assertFinding(
        _ finding: Finding, _ verdict: Finding.Verdict, _ words: String..., file: StaticString = #filePath,
        line: UInt = #line
    ) {
        XCTAssertEqual(finding.verdict, verdict, "\(finding)", file: file, line: line)
        let text = finding.found + " -> " + (finding.remedy ?? "")
        for word in words {
            XCTAssertTrue(text.contains(word), "\(word) in: \(text)", file: file, line: line)
        }
        XCTAssertEqual(finding.remedy == nil, verdict == .ok, "\(finding)", file: file, line: line)
    }

    func testProcessorIsReadFromItsFirstEntry() {
        XCTAssertEqual(wide.model, "Example 9000")
        XCTAssertEqual(wide.level, .avx512)
        XCTAssertTrue(wide.hasBF16)
        XCTAssertEqual(Processor(cpuinfo: "flags : avx avx2 fma avx512f").level, .avx2)
        XCTAssertEqual(Processor(cpuinfo: "flags : avx avx2").level, .avx, "AVX2 kernels need FMA")
        XCTAssertEqual(Processor(cpuinfo: "").level, .sse)
    }

    func testCoresAreCountedFromTheAllowedList() {
        XCTAssertEqual(Processor.coreCount(status: "Name:\tx\nCpus_allowed_list:\t0-3,8\nMems:\t0\n"), 5)
        XCTAssertEqual(Processor.coreCount(status: "Cpus_allowed_list:\t7\n"), 1)
        XCTAssertNil(Processor.coreCount(status: "Cpus_allowed_list:\t3-1\n"))
        XCTAssertNil(Processor.coreCount(status: "Cpus_allowed_list:\t0,x\n"))
        XCTAssertNil(Processor.coreCount(status: "Cpus_allowed:\tff\n"))
    }

    func testLimitsOfTheControlGroupAreSaid() {
        XCTAssertEqual(ControlGroup.coreQuota(cpuMax: "150000 100000\n"), 1.5)
        XCTAssertNil(ControlGroup.coreQuota(cpuMax: "max 100000\n"))
        XCTAssertNil(ControlGroup.coreQuota(cpuMax: "150000 0\n"))
        XCTAssertEqual(ControlGroup.memoryLimit(memoryMax: "1073741824\n"), 1 << 30)
        XCTAssertNil(ControlGroup.memoryLimit(memoryMax: "max\n"))
        assertFinding(processorFinding(wide, cores: 8, quota: nil), .ok, "8 cores", "AVX-512 with bf16")
        assertFinding(processorFinding(wide, cores: 8, quota: 1.5), .warn, "OMP_NUM_THREADS=1")
    }

    func testMemoryIsReadAndLowMemoryIsWarnedOf() throws {
        let text = "MemTotal:       16777216 kB\nMemFree: 1 kB\nMemAvailable:    8388608 kB\n"
        let memory = try XCTUnwrap(Memory(meminfo: text))
        XCTAssertEqual(memory.total, 16 << 30)
        XCTAssertEqual(memory.available, 8 << 30)
        XCTAssertNil(Memory(meminfo: "MemTotal: 3 kB\n"))
        assertFinding(memoryFinding(memory, limit: nil), .ok, "16.0 GiB, 8.0 GiB free")
        assertFinding(memoryFinding(memory, limit: 512 << 20), .warn, "limited to 512 MiB")
        assertFinding(memoryFinding(nil, limit: nil), .ok)
    }

    func testWeakerKernelsThanTheProcessorHasAreWarnedOf() {
        func facts(_ kernels: String, _ options: String = "DYNAMIC_ARCH", isThreaded: Bool = true)
            -> BLASLibraryFacts
        {
            BLASLibraryFacts(
                configuration: "OpenBLAS 0.3.21 NO_LAPACKE \(options) \(kernels)", kernels: kernels,
                isThreaded: isThreaded)
        }
        func finding(_ facts: BLASLibraryFacts, forced: String? = nil) -> Finding {
            kernelsFinding(configuration: facts, processor: wide, forced: forced)
        }
        assertFinding(finding(facts("Cooperlake")), .ok, "0.3.21, Cooperlake kernels")
        assertFinding(
            finding(facts("Haswell"), forced: "Haswell"), .warn, "AVX2, though the processor has AVX-512",
            "unset OPENBLAS_CORETYPE")
        assertFinding(finding(facts("Haswell")), .warn, "export OPENBLAS_CORETYPE=SkylakeX")
        assertFinding(finding(facts("Haswell", "")), .warn, "newer OpenBLAS")
        assertFinding(finding(facts("NEOVERSEN1")), .ok)
        assertFinding(finding(facts("Cooperlake", isThreaded: false)), .warn, "libopenblas0-pthread")
    }

    func testThreadsAndLocaleOfTheEnvironment() {
        assertFinding(threadsFinding([:], cores: 4), .ok, "4 divided")
        assertFinding(threadsFinding(["OMP_NUM_THREADS": "2"], cores: 4), .ok, "OMP_NUM_THREADS=2")
        assertFinding(
            threadsFinding(["OPENBLAS_NUM_THREADS": "9"], cores: 4), .warn, "export OPENBLAS_NUM_THREADS=4")
        assertFinding(threadsFinding(["OMP_NUM_THREADS": "many"], cores: 4), .warn, "unset OMP_NUM_THREADS")
        assertFinding(localeFinding(["LANG": "de_DE.UTF-8"]), .ok)
        assertFinding(localeFinding(["LANG": "de_DE.utf8@euro"]), .ok)
        assertFinding(localeFinding(["LC_ALL": "C", "LANG": "de_DE.UTF-8"]), .warn, "LC_ALL=C.UTF-8")
        assertFinding(localeFinding(["LC_ALL": "", "LANG": "C.UTF-8"]), .ok, "LANG")
        assertFinding(localeFinding([:]), .warn, "not set")
    }

    func testVolumes() throws {
        func volume(free: Int, isWritable: Bool = true) -> Volume {
            Volume(path: "/x", total: 1 << 40, free: free, isWritable: isWritable)
        }
        assertFinding(sharedMemoryFinding(volume(free: 1 << 30)), .ok, "1.0 GiB free")
        assertFinding(sharedMemoryFinding(volume(free: 64 << 20)), .warn, "--shm-size")
        assertFinding(sharedMemoryFinding(nil), .warn, "self,tcp")
        assertFinding(diskFinding(volume(free: 1 << 33)), .ok)
        assertFinding(diskFinding(volume(free: 1 << 29)), .warn, "checkpoints.keep=1")
        assertFinding(diskFinding(volume(free: 1 << 20)), .fail, "--output")
        assertFinding(diskFinding(volume(free: 1 << 40, isWritable: false)), .warn, "--output")
        XCTAssertNil(Volume("/nonexistent"))
        XCTAssertNotNil(Volume("/tmp"))
    }

    func testSlurmNeedsThePMIxPlugin() {
        let plugins = "MPI plugin types are...\n\tcray_shasta\n\tpmi2\n\tpmix\nspecific pmix plugins: pmix_v4"
        assertFinding(slurmFinding(job: "job 7, ", plugins: plugins), .ok, "job 7, srun --mpi=pmix")
        assertFinding(slurmFinding(job: "", plugins: "none\npmi2\n"), .warn, "mpirun inside the job")
    }

    func testDiagnosisFailsIfAnythingFails() throws {
        let ok = threadsFinding([:], cores: 4)
        let bad = mpirunFinding(path: "/opt/mpich/mpirun", answer: "HYDRA build details", library: "4.1.4")
        XCTAssertEqual(Diagnosis([ok]).exitCode, 0)
        let diagnosis = Diagnosis([ok, bad])
        XCTAssertEqual(diagnosis.exitCode, 69)
        XCTAssertEqual(
            diagnosis.text,
            """
            ok    threads   4 divided by the ranks of this machine
            FAIL  Open MPI  linked with Open MPI 4.1.4, but /opt/mpich/mpirun is not Open MPI's
                            -> put Open MPI's mpirun first on PATH (module load openmpi)
            """)
        let json = try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(diagnosis.json.utf8)) as? [String: Any])
        XCTAssertEqual(json["usable"] as? Bool, false)
        let findings = try XCTUnwrap(json["findings"] as? [[String: String]])
        XCTAssertEqual(findings.map { $0["verdict"] }, ["ok", "FAIL"])
        XCTAssertEqual(findings.map { $0["subject"] }, ["threads", "Open MPI"])
    }
}
