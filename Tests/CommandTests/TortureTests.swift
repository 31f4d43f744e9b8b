import Foundation
import TestSupport
import XCTest

/// A short piece of what `launch/torture` does at length.
final class TortureTests: CommandTestCase {
    func testNothingIsLost() throws {
        let result = try torture(
            "--seed", "7", "--kills", "15", "--jobs", "exact", "learned", "images", "--ranks", "0", "2")
        XCTAssertEqual(result.exitCode, 0, result.standardOutput + result.standardError)
        XCTAssertTrue(result.standardOutput.contains("nothing lost"), result.standardOutput)
    }

    /// The campaign itself: a program that forgets its checkpoints at every start does not get by.
    func testAForgetfulProgramIsNoticed() throws {
        let saddle = Subprocess.productsDirectory.appendingPathComponent("saddle").path
        // compose CONFIG --output DIR …
        let program = try workspace.write(
            "#!/bin/sh\nrm -rf \"$4\"/checkpoint-*\nexec '\(saddle)' \"$@\"\n", to: "forgetful")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
        let result = try torture("--kills", "20", "--jobs", "exact", "--ranks", "0", "--saddle", program)
        XCTAssertEqual(result.exitCode, 1, result.standardOutput + result.standardError)
        XCTAssertTrue(result.standardError.contains("is gone, the newest is"), result.standardError)
    }

    private func torture(_ arguments: String...) throws -> CommandResult {
        let program = Subprocess.productsDirectory.appendingPathComponent("torture").path
        return try Subprocess.run(
            program, arguments, directory: packageRoot, timeout: 300)
    }
}
