import Foundation

/// How a start of the command ended.
struct Ending: CustomStringConvertible {
    /// 128 + signal for a process that a signal ended.
    let exitCode: Int32
    let said: String

    var description: String { "exit code \(exitCode): \(said.suffix(800))" }
}

/// Starts the command, with or without mpirun, and watches it to its end.
struct Launcher {
    let program: String
    /// For logs and for what MPI leaves behind.
    let scratch: String
    /// Longer than any start can take.
    private static let patience = 90.0

    /// - Parameters:
    ///   - ranks: 0 for no mpirun.
    ///   - isAlone: whether no other job works in the directory.
    ///   - watch: called every millisecond with the process and the seconds since its start.
    /// - Throws: `Loss` if it hangs.
    func start(
        _ job: Job, _ directory: String, ranks: Int, environment: [String: String] = [:],
        isAlone: Bool = true, watch: (Process, Double) -> Void = { _, _ in }
    ) throws -> Ending {
        let configuration = "\(scratch)/\(job.name).yaml"
        try job.configuration.write(toFile: configuration, atomically: true, encoding: .utf8)
        let command = [program, "compose", configuration, "--output", directory, "--resume", "auto"]
        let launch = ["mpirun", "-q", "-n", "\(ranks)", "--oversubscribe", "--bind-to", "none"]
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = (ranks > 0 ? launch : []) + command
        process.environment = self.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        let log = "\(scratch)/log-\(UUID().uuidString)"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        defer { unlink(log) }
        process.standardError = FileHandle(forWritingAtPath: log)
        let started = Date()
        try process.run()
        while process.isRunning {
            let seconds = Date().timeIntervalSince(started)
            watch(process, seconds)
            guard seconds < Launcher.patience else { throw hang(process, directory) }
            usleep(1000)
        }
        if isAlone { try waitForRanks(of: directory) }
        let text = try Data(contentsOf: URL(fileURLWithPath: log))
        let status = process.terminationStatus
        return Ending(
            exitCode: process.terminationReason == .uncaughtSignal ? 128 + status : status,
            said: String(decoding: text, as: UTF8.self))
    }

    /// The processes of a job that work in `directory`, mpirun left out.
    static func ranks(in directory: String) -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap(pid_t.init).filter { process in
            guard let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else { return false }
            let words = String(decoding: line, as: UTF8.self).split(separator: "\0")
            return words.first?.hasSuffix("saddle") == true && words.contains { $0 == directory }
        }
    }

    /// When mpirun was killed its ranks live on for a moment.
    private func waitForRanks(of directory: String) throws {
        let started = Date()
        while !Launcher.ranks(in: directory).isEmpty {
            guard Date().timeIntervalSince(started) < 20 else {
                Launcher.ranks(in: directory).forEach { kill($0, SIGKILL) }
                throw Loss("ranks outlive their mpirun")
            }
            usleep(5000)
        }
    }

    private func hang(_ process: Process, _ directory: String) -> Loss {
        kill(process.processIdentifier, SIGKILL)
        Launcher.ranks(in: directory).forEach { kill($0, SIGKILL) }
        return Loss("no end after \(Launcher.patience) s")
    }

    /// One thread a rank; MPI keeps its files in the scratch directory, so that killed jobs leave nothing.
    private var environment: [String: String] {
        let ours = [
            "OMP_NUM_THREADS": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OMPI_MCA_pml": "ob1", "OMPI_MCA_btl": "self,vader", "OMPI_MCA_mpi_yield_when_idle": "1",
            "OMPI_MCA_btl_vader_backing_directory": scratch, "TMPDIR": scratch,
            "SWIFT_BACKTRACE": "enable=no",
        ]
        let inherited = ProcessInfo.processInfo.environment.filter { name, _ in
            !["OMPI_", "PMIX_", "SADDLE_"].contains { name.hasPrefix($0) }
        }
        return inherited.merging(ours) { $1 }
    }
}
