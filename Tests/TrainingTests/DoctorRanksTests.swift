import Foundation
import TestSupport
import Training
import XCTest

final class DoctorRanksTests: XCTestCase {
    private func finding(
        _ output: String, exitCode: Int32 = 0, timedOut: Bool = false, obstacles: [RankTrial.Obstacle] = [],
        cores: Int = 2
    ) -> Finding {
        let outcome = ExternalCommand.Outcome(exitCode: exitCode, output: output, timedOut: timedOut)
        return ranksFinding(RankTrial(obstacles: obstacles, outcome: outcome), cores: cores)
    }

    private func answers(size: Int = 2, cores: Int) -> String {
        (0..<2).map { "saddle-rank \(min($0, size - 1))/\(size) cores \(cores)\n" }.joined()
    }

    func testVersionsOfLibraryAndLauncherAreCompared() {
        XCTAssertEqual(openMPIVersion("Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4, …"), "4.1.4")
        XCTAssertEqual(openMPIVersion("mpirun (Open MPI) 5.0.3\n\nReport bugs to …"), "5.0.3")
        XCTAssertNil(openMPIVersion("HYDRA build details: Version: 4.0.2"))
        let finding = { mpirunFinding(path: "/a/mpirun", answer: $0, library: "4.1.4") }
        XCTAssertEqual(finding("mpirun (Open MPI) 4.1.4").verdict, .ok)
        XCTAssertEqual(finding("mpirun (Open MPI) 5.0.3").verdict, .warn)
        XCTAssertEqual(finding("HYDRA build details").verdict, .fail)
    }

    func testRanksThatMeetAreFine() {
        XCTAssertEqual(finding(answers(cores: 1)).verdict, .ok)
        XCTAssertEqual(finding(answers(cores: 8), cores: 8).verdict, .ok)
    }

    func testBindingThatLeavesCoresIdleIsWarnedOf() {
        let bound = finding(answers(cores: 1), cores: 8)
        XCTAssertEqual(bound.verdict, .warn)
        XCTAssertEqual(bound.found, "start, each bound to 1 core of 8")
        XCTAssertEqual(bound.remedy, "mpirun --bind-to none …")
    }

    func testRanksThatDoNotMeetFail() {
        let apart = finding(answers(size: 1, cores: 1))
        XCTAssertEqual(apart.verdict, .fail)
        XCTAssertTrue(apart.found.contains("do not see each other"), apart.found)
        XCTAssertEqual(finding("saddle-rank 0/2 cores 1\n").verdict, .fail, "one answer is missing")
        XCTAssertEqual(ranksFinding(RankTrial(obstacles: [], outcome: nil), cores: 2).verdict, .fail)
        let hanging = finding("", exitCode: 137, timedOut: true)
        XCTAssertEqual(hanging.verdict, .fail)
        XCTAssertTrue(hanging.found.contains("hangs"), hanging.found)
        let failed = finding("-----\n\nA prefix was supplied to mpirun\n", exitCode: 1, obstacles: [.root])
        XCTAssertEqual(failed.found, "do not start: A prefix was supplied to mpirun")
        XCTAssertTrue(failed.remedy?.contains("CONFIRM=1; mpirun -n 2 hostname") == true, "\(failed)")
    }

    /// A stand-in for mpirun that refuses, in Open MPI's words, until the variables are set.
    func testObstaclesAreRemovedOneByOneAndNamed() throws {
        try withTemporaryDirectory { directory in
            let mpirun = directory.appendingPathComponent("mpirun").path
            try Data(
                """
                #!/bin/sh
                if [ "$OMPI_ALLOW_RUN_AS_ROOT$OMPI_ALLOW_RUN_AS_ROOT_CONFIRM" != 11 ]; then
                    echo "mpirun has detected an attempt to run as root." >&2; exit 1
                fi
                if [ "$OMPI_MCA_rmaps_base_oversubscribe" != 1 ]; then
                    echo "There are not enough slots available in the system" >&2; exit 1
                fi
                test -z "$OMPI_COMM_WORLD_RANK" || exit 3
                test "$*" = "-n 2 /bin/saddle doctor --as-rank" || exit 4
                echo "saddle-rank 0/2 cores 1"; echo "saddle-rank 1/2 cores 1"
                """.utf8
            ).write(to: URL(fileURLWithPath: mpirun))
            chmod(mpirun, 0o755)
            let trial = RankTrial(
                mpirun: mpirun, program: "/bin/saddle",
                environment: ["PATH": "/usr/bin:/bin", "OMPI_COMM_WORLD_RANK": "0"])
            XCTAssertEqual(trial.obstacles, [.root, .slots])
            XCTAssertEqual(trial.outcome?.exitCode, 0)
            let finding = ranksFinding(trial, cores: 2)
            XCTAssertEqual(finding.verdict, .warn)
            XCTAssertTrue(finding.remedy?.contains("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1") == true)
            XCTAssertTrue(finding.remedy?.contains("--oversubscribe") == true)
        }
    }

    func testProgramsAreFoundAndEndedInTime() throws {
        let shell = try XCTUnwrap(ExternalCommand.path(of: "sh", in: ["PATH": "/nonexistent:/bin"]))
        XCTAssertEqual(shell, "/bin/sh")
        XCTAssertNil(ExternalCommand.path(of: "sh", in: [:]))
        let said = ExternalCommand.run(
            shell, ["-c", "echo a; echo b >&2; exit 7"], environment: [:], timeout: 10)
        XCTAssertEqual(said?.exitCode, 7)
        XCTAssertEqual(said?.output, "a\nb\n")
        let slow = ExternalCommand.run(
            shell, ["-c", "sleep 60 & wait"], environment: ["PATH": "/bin"], timeout: 0.3)
        XCTAssertEqual(slow?.timedOut, true)
        XCTAssertEqual(slow?.exitCode, 137)
        XCTAssertNil(ExternalCommand.run("/nonexistent", [], environment: [:], timeout: 1))
    }
}
