import Foundation
import TestSupport
import XCTest

final class DoctorCommandTests: CommandTestCase {
    private let asRoot = ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"]

    func testDoctorStartsTwoRanksThatMeet() throws {
        let environment = asRoot.merging(["OMPI_MCA_rmaps_base_oversubscribe": "1"]) { $1 }
        let result = try workspace.saddle(["doctor", "--json"], environment: environment)
        let diagnosis = try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(result.standardOutput.utf8)) as? [String: Any])
        let findings = try XCTUnwrap(diagnosis["findings"] as? [[String: String]])
        XCTAssertEqual(
            findings.map { $0["subject"] },
            [
                "processor", "memory", "OpenBLAS", "threads", "Open MPI", "two ranks", "Slurm", "/dev/shm",
                "HDF5", "this directory", "locale",
            ])
        let ranks = try XCTUnwrap(findings.first { $0["subject"] == "two ranks" })
        XCTAssertTrue(ranks["found"]?.hasPrefix("start") == true, "\(ranks)")
        let fails = findings.contains { $0["verdict"] == "FAIL" }
        XCTAssertEqual(diagnosis["usable"] as? Bool, !fails)
        XCTAssertEqual(result.exitCode, fails ? 69 : 0)
    }

    func testMissingLauncherFailsWithItsRemedy() throws {
        let result = try workspace.saddle(["doctor"], environment: ["PATH": "/nonexistent"])
        XCTAssertEqual(result.exitCode, 69, result.standardOutput)
        let lines = result.standardOutput.split(separator: "\n")
        let failure = try XCTUnwrap(lines.firstIndex { $0.hasPrefix("FAIL  Open MPI") })
        XCTAssertTrue(lines[failure + 1].contains("apt-get install openmpi-bin"), "\(lines[failure + 1])")
    }
}
