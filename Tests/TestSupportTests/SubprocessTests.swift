import Foundation
import TestSupport
import XCTest

final class SubprocessTests: XCTestCase {
    private func shell(
        _ script: String, environment: [String: String] = [:], timeout: TimeInterval = 20
    ) throws -> CommandResult {
        try Subprocess.run("/bin/sh", ["-c", script], environment: environment, timeout: timeout)
    }

    func testCapturesBothStreamsAndTheExitCode() throws {
        let result = try shell("echo out; echo err >&2; exit 3")
        XCTAssertEqual(result.standardOutput, "out\n")
        XCTAssertEqual(result.standardError, "err\n")
        XCTAssertEqual(result.exitCode, 3)
        XCTAssertFalse(result.timedOut)
        XCTAssertEqual(try shell("kill -9 $$").exitCode, 137)
    }

    func testOutputBeyondAPipeDoesNotBlock() throws {
        let result = try shell("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2")
        XCTAssertEqual(result.standardOutput.utf8.count, 3_000_000)
        XCTAssertEqual(result.standardError.utf8.count, 3_000_000)
    }

    func testTheTimeLimitEndsTheWholeFamily() throws {
        let start = Date()
        let result = try shell("sleep 300 & echo $!; wait", timeout: 0.5)
        XCTAssertTrue(result.timedOut)
        XCTAssertEqual(result.exitCode, 137)
        XCTAssertLessThan(Date().timeIntervalSince(start), 10)
        let grandchild = try XCTUnwrap(Int32(result.standardOutput.trimmingCharacters(in: .newlines)))
        for _ in 0..<100 where isRunning(grandchild) { usleep(20_000) }
        XCTAssertFalse(isRunning(grandchild))
    }

    /// Whether a process lives and is no zombie.
    private func isRunning(_ process: Int32) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else {
            return false
        }
        return !status.contains(") Z ")
    }

    func testTakesThisProcessesMPIOutOfTheEnvironment() throws {
        let names = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_SIZE"]
        for name in names { setenv(name, "1", 1) }
        setenv("SADDLE_TEST_KEPT", "kept", 1)
        defer { for name in names + ["SADDLE_TEST_KEPT"] { unsetenv(name) } }
        let script = "echo \"$OMPI_COMM_WORLD_RANK$PMIX_RANK$PMI_SIZE$SADDLE_TEST_KEPT$OMPI_MCA_given\""
        let result = try shell(script, environment: ["OMPI_MCA_given": "given"])
        XCTAssertEqual(result.standardOutput, "keptgiven\n")
    }

    func testAMissingProgramIsAnError() {
        XCTAssertThrowsError(try Subprocess.run("/nonexistent/program", []))
    }

    func testProductsStandBesideTheTests() throws {
        let products = try FileManager.default.contentsOfDirectory(atPath: Subprocess.productsDirectory.path)
        XCTAssertTrue(products.contains { $0.hasSuffix(".xctest") }, "\(products)")
    }

    func testAMissingFixtureIsNamed() {
        XCTAssertThrowsError(try fixture("none.bin")) { error in
            XCTAssertTrue("\(error)".contains("Fixtures/none.bin"), "\(error)")
        }
    }
}
