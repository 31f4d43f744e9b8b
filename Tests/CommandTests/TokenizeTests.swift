import Foundation
import TestSupport
import XCTest

/// `saddle tokenize`: JSON on standard output and nothing else.
final class TokenizeTests: CommandTestCase {
    private struct Output: Decodable { let ids: [[Int]] }

    /// Enough of a vocabulary to spell "ab".
    private func writeTokenizer(in directory: String) throws {
        try FileManager.default.createDirectory(
            atPath: workspace.at(directory), withIntermediateDirectories: true)
        try workspace.write(
            #"{"a": 0, "b</w>": 1, "ab</w>": 2, "-": 3, "<|startoftext|>": 4, "<|endoftext|>": 5}"#,
            to: "\(directory)/vocab.json")
        try workspace.write("#version: 0.2\na b</w>\n", to: "\(directory)/merges.txt")
        try workspace.write(#"{"model_max_length": 6}"#, to: "\(directory)/tokenizer_config.json")
    }

    func testPrintsIDsOfEveryText() throws {
        try writeTokenizer(in: "model/tokenizer")
        try workspace.write(
            """
            {"_class_name": "StableDiffusionPipeline", "tokenizer": ["transformers", "CLIPTokenizer"]}
            """, to: "model/model_index.json")
        for model in ["model", "model/tokenizer"] {
            let arguments = [
                "tokenize", "--model", workspace.at(model), "--", "ab", "", "--model", "AB AB AB AB AB",
            ]
            let result = try workspace.saddle(arguments)
            XCTAssertEqual(result.exitCode, 0, result.standardError)
            XCTAssertEqual(result.standardError, "")
            let ids = try JSONDecoder().decode(Output.self, from: Data(result.standardOutput.utf8)).ids
            XCTAssertEqual(ids[0], [4, 2, 5, 5, 5, 5])
            XCTAssertEqual(ids[1], [4, 5, 5, 5, 5, 5])
            XCTAssertEqual(ids[2][0...2], [4, 3, 5])
            XCTAssertEqual(ids[3], [4, 2, 2, 2, 2, 5])
            XCTAssertEqual(ids.count, 4)
        }
    }

    func testSaysWhatIsWrong() throws {
        try writeTokenizer(in: "broken")
        try workspace.write("{", to: "broken/vocab.json")
        try FileManager.default.createDirectory(
            atPath: workspace.at("empty"), withIntermediateDirectories: false)
        for (arguments, code, message) in [
            (["--model", "nowhere", "x"], 66, "nowhere: the model directory is missing."),
            (["--model", "empty", "x"], 66, "empty: model_index.json is missing."),
            (["--model", "broken", "x"], 65, "broken/vocab.json: not valid JSON."),
            (["--model", "empty"], 64, "Missing expected argument '<text> ...'"),
            (["x"], 64, "Missing expected argument '--model <model>'"),
        ] as [([String], Int32, String)] {
            let result = try workspace.saddle(["tokenize"] + arguments)
            XCTAssertEqual(result.exitCode, code, result.standardError)
            XCTAssertEqual(result.standardOutput, "")
            XCTAssertTrue(result.standardError.contains(message), result.standardError)
        }
    }
}
