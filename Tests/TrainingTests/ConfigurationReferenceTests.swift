import Foundation
import TestSupport
import Training
import XCTest

final class ConfigurationReferenceTests: XCTestCase {
    /// `docs/configuration.md` says what the tables say.
    func testReferenceIsCurrent() throws {
        let file = packageRoot.appendingPathComponent("docs/configuration.md")
        if ProcessInfo.processInfo.environment["UPDATE_REFERENCE"] != nil {
            try RunConfiguration.reference.write(to: file, atomically: true, encoding: .utf8)
        }
        XCTAssertEqual(
            try String(contentsOf: file, encoding: .utf8), RunConfiguration.reference,
            "UPDATE_REFERENCE=1 swift test --filter ConfigurationReferenceTests writes it again")
    }

    func testItsExampleLoads() throws {
        let parts = RunConfiguration.reference.components(separatedBy: "```")
        let example = try XCTUnwrap(parts.first { $0.hasPrefix("yaml\n") }).dropFirst(5)
        XCTAssertEqual(try RunConfiguration(yaml: String(example)).models.map(\.name), ["left", "right"])
    }

    /// The resolved text of a run has all keys of the reference that apply to it.
    func testEveryResolvedKeyIsInTheReference() throws {
        let reference = RunConfiguration.reference
        for document in Documents.all {
            for line in try RunConfiguration(yaml: document).text.split(separator: "\n") {
                guard let key = line.split(separator: ":").first.map({ $0.drop { " -".contains($0) } }) else {
                    continue
                }
                let isThere = ["`\(key)`", ".\(key)`"].contains { reference.contains($0) }
                XCTAssertTrue(isThere, "\(line)")
            }
        }
    }
}
