import Distributed
import DistributedBattery
import XCTest

/// What only real processes show: mpi-check under mpirun, once per behaviour.
final class MPITests: XCTestCase {
    func testBattery() throws {
        for ranks in [1, 2, 4] {
            let job = try mpirun(ranks, "battery")
            let lines = job.output.split(separator: "\n")
            XCTAssertEqual(job.code, 0, "\(ranks) ranks:\n\(job.output)\(job.errors)")
            XCTAssertEqual(lines.filter { !$0.hasPrefix("PASS ") }, [], "\(ranks) ranks")
            // All checks as they are, and all but the long one in small messages.
            XCTAssertEqual(lines.count, 2 * Check.battery.count - 1, "\(ranks) ranks")
        }
    }

    func testExactSumsHaveTheSameBitsOnAnyNumberOfRanks() throws {
        let bits = try MicroBatches(count: 29).sum(Array(0..<29), over: SingleCommunicator()).bits
        let expected = bits.map { String($0, radix: 16) }.joined(separator: " ") + "\n"
        for ranks in 1...4 {
            let job = try mpirun(ranks, "bits")
            XCTAssertEqual(job.output, expected, "\(ranks) ranks")
        }
    }

    func testAnErrorOnOneRankEndsAllWithItsCode() throws {
        let job = try mpirun(3, "throw", "2", "66")
        XCTAssertEqual(job.code, 66)
        XCTAssert(job.errors.contains("[rank 2/3] disk on fire"), job.errors)
    }

    func testFailingTogetherEndsCleanly() throws {
        let job = try mpirun(3, "together", "1", "65")
        XCTAssertEqual(job.code, 65)
        XCTAssertEqual(job.errors.components(separatedBy: "[rank 1/3] no such file").count, 2, job.errors)
        XCTAssertFalse(job.errors.contains("MPI_ABORT"), job.errors)
    }

    func testANaNIsNamedByRankAndTensor() throws {
        let job = try mpirun(3, "nan", "2")
        XCTAssertEqual(job.code, internalFailure)
        XCTAssert(job.errors.contains("NaN or infinity from rank 2 (first in gradient)"), job.errors)
    }

    func testMPIErrorsNameTheCallTheRankAndTheReason() throws {
        let job = try mpirun(2, "truncate")
        XCTAssertEqual(job.code, internalFailure)
        XCTAssert(
            job.errors.contains("MPI_Bcast failed on rank 1 of 2: MPI_ERR_TRUNCATE"), job.errors)
    }

    func testADeadRankEndsTheJobPromptly() throws {
        let job = try mpirun(3, "kill", "1")
        XCTAssertEqual(job.code, 137)
        XCTAssertLessThan(job.seconds, 15)
    }

    func testTheWatchdogNamesWhereEachRankIs() throws {
        let job = try mpirun(2, "stall", "1", "2", environment: [World.watchdogVariable: "0.5"])
        XCTAssertEqual(job.code, 0, job.errors)
        XCTAssert(job.errors.contains("[rank 0/2] waiting in barrier (collective 2)"), job.errors)
        XCTAssert(job.errors.contains("[rank 1/2] computing since it left allReduce(sum"), job.errors)
    }

    func testMPIStartsAndEndsOnce() throws {
        let job = try mpirun(2, "lifetime")
        XCTAssertEqual(job.code, 0, job.errors)
        let expected = [
            "MPI was started before in this process; it starts once",
            "MPI_Barrier was called after MPI_Finalize",
            "MPI was started before in this process; it starts once", "",
        ]
        XCTAssertEqual(job.output, expected.joined(separator: "\n"))
    }

    func testOneRankRunsWithoutMpirun() throws {
        let job = try Job(mpiCheck(), ["battery"])
        XCTAssertEqual(job.code, 0, job.errors)
        XCTAssertEqual(job.output.split(separator: "\n").count, Check.battery.count)
    }

    func testALauncherThatMPIDoesNotKnowIsNamedWithTheRemedy() throws {
        // MPICH's mpiexec leaves these; Open MPI then starts as one rank.
        let job = try Job(mpiCheck(), ["bits"], environment: ["PMI_RANK": "1", "PMI_SIZE": "4"])
        XCTAssertEqual(job.code, internalFailure)
        XCTAssertEqual(job.output, "")
        XCTAssert(
            job.errors.contains("[rank 1/4] PMI says this job has 4 ranks, but MPI connects 1. Start it"),
            job.errors)
    }

    private func mpirun(
        _ ranks: Int, _ arguments: String..., environment: [String: String] = [:]
    ) throws -> Job {
        guard let mpirun = Job.executable("mpirun") else {
            throw XCTSkip("mpirun is not installed (apt install openmpi-bin)")
        }
        let launch = ["--oversubscribe", "--bind-to", "none", "-n", "\(ranks)", try mpiCheck().path]
        return try Job(mpirun, launch + arguments, environment: environment)
    }

    /// mpi-check lies beside the program that runs the tests.
    private func mpiCheck() throws -> URL {
        try XCTUnwrap(Bundle.main.executableURL).deletingLastPathComponent()
            .appendingPathComponent("mpi-check")
    }
}
