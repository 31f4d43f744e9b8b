import Foundation
import TestSupport
import XCTest

/// A short piece of what `launch/torture` does at length.
final class TortureTests: XCTestCase {
    func testNothingIsLost() throws {
        let program = Subprocess.productsDirectory.appendingPathComponent("torture").path
        let result = try Subprocess.run(program, ["--seed", "7", "--kills", "20"], timeout: 150)
        XCTAssertEqual(result.exitCode, 0, result.standardOutput + result.standardError)
        XCTAssertTrue(result.standardOutput.contains("nothing lost"), result.standardOutput)
    }
}
