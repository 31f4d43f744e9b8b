import Foundation
import TensorCore
import TestSupport
import Training
import WeightFiles
import XCTest

final class ReportRefusalTests: XCTestCase {
    /// What is done to a good run directory, the exit code, and words that the message must have.
    private struct Damage {
        let name: String
        let code: Int32
        let words: [String]
        let inflict: (RunFixture) throws -> Void
    }

    private let damages = [
        Damage(name: "summary is cut", code: 65, words: ["summary.json", "no valid JSON"]) {
            try $0.write("summary.json", "{\"kind\": \"product\", \"sta")
        },
        Damage(name: "summary lacks a key", code: 65, words: ["summary.json", "\"kind\""]) {
            try $0.write("summary.json", "{}")
        },
        Damage(name: "summary has another type", code: 65, words: ["summary.json", "kind"]) {
            try $0.write("summary.json", "{\"kind\": 3}")
        },
        Damage(name: "baselines have another form", code: 65, words: ["baselines.json", "equal_weights"]) {
            try $0.write("baselines.json", "{\"equal_weights\": 3}")
        },
        Damage(name: "metrics are not ours", code: 65, words: ["metrics.jsonl", "line 1"]) {
            try $0.write("metrics.jsonl", "step,objective\n1,2\n")
        },
        Damage(name: "samples are cut", code: 65, words: ["samples.safetensors", "found"]) {
            let url = $0.directory.appendingPathComponent("samples.safetensors")
            try Data(contentsOf: url).dropLast(5).write(to: url)
        },
        Damage(name: "samples have no rows", code: 65, words: ["samples.safetensors", "[N, d]"]) {
            try SafetensorsFile.write(
                ["samples": Tensor([1, 2, 3] as [Float], shape: [3])], to: "\($0.path)/samples.safetensors")
        },
        Damage(name: "samples differ in dimension", code: 65, words: ["samples.safetensors", "columns"]) {
            try SafetensorsFile.write(
                [
                    "samples": Tensor([1, 2] as [Float], shape: [1, 2]),
                    "base": Tensor([1, 2, 3] as [Float], shape: [1, 3]),
                ], to: "\($0.path)/samples.safetensors")
        },
        Damage(name: "no run", code: 66, words: ["is no run directory", "--output"]) { run in
            for name in try FileManager.default.contentsOfDirectory(atPath: run.path) {
                try FileManager.default.removeItem(at: run.directory.appendingPathComponent(name))
            }
        },
        Damage(name: "no directory", code: 66, words: ["no such directory"]) {
            try FileManager.default.removeItem(at: $0.directory)
        },
        Damage(name: "images cannot be made", code: 73, words: ["images", "cannot create"]) {
            try $0.write("images", "a file where the directory would be")
        },
    ]

    func testDamageIsNamedWithItsPlaceAndExitCode() throws {
        for damage in damages {
            try withTemporaryDirectory { parent in
                let run = try RunFixture.product(in: parent)
                try damage.inflict(run)
                XCTAssertThrowsError(try writeReports(of: [run.path]), damage.name) { error in
                    XCTAssertEqual(exitCode(for: error), damage.code, "\(damage.name): \(error)")
                    for word in damage.words {
                        XCTAssertTrue("\(error)".contains(word), "\(damage.name): \(error)")
                    }
                    XCTAssertFalse("\(error)".contains(".."), "\(error)")
                }
                XCTAssertFalse(run.has("report.html"), "\(damage.name) left a page")
            }
        }
    }

    func testConfigurationThatCannotBeReadIsShownAsItIs() throws {
        try withTemporaryDirectory { parent in
            let run = try RunFixture.product(in: parent)
            try run.write("config.yaml", "kind: [product\n")
            let html = try String(contentsOfFile: writeReports(of: [run.path]), encoding: .utf8)
            XCTAssertTrue(html.contains("kind: [product"))
        }
    }
}
