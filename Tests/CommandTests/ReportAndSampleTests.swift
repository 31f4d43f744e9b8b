import Foundation
import TestSupport
import XCTest

/// `saddle report` and `saddle sample` on a run made by `saddle pretrain`.
final class ReportAndSampleTests: CommandTestCase {
    private func pretrain() throws {
        try workspace.write(
            """
            kind: pretraining
            dimension: 16
            models:
              - name: bump
                gaussian:
                  mean: [\(Array(repeating: "0.25", count: 16).joined(separator: ", "))]
                  covariance:
            \((0..<16).map(row).joined(separator: "\n"))
            network: {hidden: 16, blocks: 1, widening: 1, embedding: 8}
            pretraining: {steps: 40, batch: 128}
            """, to: "config.yaml")
        let result = try workspace.saddle(["pretrain", "config.yaml", "--output", "run"])
        XCTAssertEqual(result.exitCode, 0, result.standardError)
    }

    private func row(_ index: Int) -> String {
        "      - [" + (0..<16).map { $0 == index ? "0.1" : "0" }.joined(separator: ", ") + "]"
    }

    /// What follows the header of a safetensors file.
    private func data(_ name: String) throws -> Data {
        let file = try Data(contentsOf: URL(fileURLWithPath: workspace.at(name)))
        let length = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        return file.dropFirst(8 + length)
    }

    func testReportPrintsThePathOfThePage() throws {
        try pretrain()
        let result = try workspace.saddle(["report", "run"])
        XCTAssertEqual(result.exitCode, 0, result.standardError)
        XCTAssertEqual(result.standardOutput, "run/report.html\n")
        let page = try String(contentsOfFile: workspace.at("run/report.html"), encoding: .utf8)
        XCTAssertTrue(page.contains("✓ finished"))
        XCTAssertTrue(page.contains("mpirun -n 2 saddle pretrain run/config.yaml"))
        XCTAssertTrue(FileManager.default.fileExists(atPath: workspace.at("run/images/main.png")))
    }

    func testSampleGivesTheSameSamplesHoweverManyAreDrawn() throws {
        try pretrain()
        for (count, output) in [("100", "many"), ("10", "few")] {
            let result = try workspace.saddle(
                ["sample", "--model", "run", "--count", count, "--seed", "3", "--output", output])
            XCTAssertEqual(result.exitCode, 0, result.standardError)
            XCTAssertEqual(result.standardOutput, "\(output)/samples.safetensors\n")
            XCTAssertTrue(FileManager.default.fileExists(atPath: workspace.at("\(output)/samples.png")))
        }
        let many = try data("many/samples.safetensors")
        XCTAssertEqual(many.count, 100 * 16 * 4)
        XCTAssertEqual(try data("few/samples.safetensors"), many.prefix(10 * 16 * 4))
    }

    func testMistakesEndWithTheContractsExitCodes() throws {
        let cases: [(arguments: [String], code: Int32, word: String)] = [
            (["report", "nowhere"], 66, "nowhere: no such directory"),
            (["report"], 64, "run"),
            (["sample", "--model", "nowhere", "--output", "out"], 66, "nowhere: no such file"),
            (["sample", "--model", "nowhere", "--output", "out", "--count", "0"], 64, "--count"),
        ]
        for (arguments, code, word) in cases {
            let result = try workspace.saddle(arguments)
            XCTAssertEqual(result.exitCode, code, "\(arguments): \(result.standardError)")
            XCTAssertTrue(result.standardError.contains(word), result.standardError)
            XCTAssertEqual(result.standardOutput, "")
        }
    }
}
