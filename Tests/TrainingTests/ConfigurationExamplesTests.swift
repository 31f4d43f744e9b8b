import Foundation
import TestSupport
import Training
import XCTest

/// The shipped configurations, and the shortest ones that are complete.
final class ConfigurationExamplesTests: XCTestCase {
    func testEveryExampleLoads() throws {
        let examples = packageRoot.appendingPathComponent("examples")
        let files = try XCTUnwrap(
            FileManager.default.enumerator(at: examples, includingPropertiesForKeys: nil)
        )
        .compactMap { $0 as? URL }.filter { $0.pathExtension == "yaml" }
        XCTAssertGreaterThanOrEqual(files.count, 7)
        for file in files {
            let configuration = try RunConfiguration(
                file: file.path, overrides: [], kinds: Set(RunConfiguration.Kind.allCases))
            let again = try RunConfiguration(yaml: configuration.text)
            XCTAssertEqual(again, configuration, file.path)
            XCTAssertEqual(again.text, configuration.text, file.path)
        }
    }
}
