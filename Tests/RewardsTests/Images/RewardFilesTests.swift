import Foundation
import Rewards
import TestSupport
import XCTest

/// Directories that do not hold what a reward needs.
final class RewardFilesTests: XCTestCase {
    /// The error of loading `reward` from a copy of the fixture that `change` has changed.
    private func refusal(
        _ reward: String, _ change: (URL) throws -> Void, file: StaticString = #filePath, line: UInt = #line
    ) throws -> String {
        try withTemporaryDirectory { directory in
            let copy = directory.appendingPathComponent("clip")
            try FileManager.default.copyItem(at: try fixture("clip"), to: copy)
            try change(copy)
            do {
                _ = try ImageRewards.entry(named: reward).load(weights: copy.path)
                XCTFail("nothing was refused", file: file, line: line)
                return ""
            } catch {
                return "\(error)".replacingOccurrences(of: copy.path, with: "clip")
            }
        }
    }

    private func write(_ text: String, _ name: String) -> (URL) throws -> Void {
        { try text.write(to: $0.appendingPathComponent(name), atomically: false, encoding: .utf8) }
    }

    private func remove(_ name: String) -> (URL) throws -> Void {
        { try FileManager.default.removeItem(at: $0.appendingPathComponent(name)) }
    }

    func testWhatIsMissingIsNamed() throws {
        XCTAssertEqual(
            try refusal("aesthetic", remove("head.pth")),
            "clip: the predictor's head is missing. Put sac+logos+ava1-l14-linearMSE.pth beside CLIP's files."
        )
        XCTAssertTrue(try refusal("aesthetic", write("", "b.pth")).hasPrefix("clip: a single .pth file"))
        XCTAssertEqual(
            try refusal("pick-score", remove("vocab.json")),
            "clip: the vocabulary is missing. Expected tokenizer.json, or vocab.json and merges.txt.")
        XCTAssertTrue(
            try refusal("clip-score", remove("model.safetensors")).contains("a safetensors file is missing"))
        XCTAssertTrue(
            try refusal("clip-score", remove("config.json")).hasPrefix("clip/config.json: cannot read"))
    }

    func testWeightsOfAnotherModelAreRefused() throws {
        let other = write(#"{"projection_dim": 8}"#, "config.json")
        XCTAssertTrue(try refusal("pick-score", other).contains("the tensors do not fit the model"))
        let head = try refusal("aesthetic") { copy in
            try FileManager.default.removeItem(at: copy.appendingPathComponent("head.pth"))
            try FileManager.default.copyItem(
                at: try fixture("narrow.pth"), to: copy.appendingPathComponent("head.pth"))
        }
        XCTAssertEqual(
            head,
            "clip/head.pth: expected layers.0.weight [outputs, 12] and a bias for it, found layers.0.bias [2], "
                + "layers.0.weight [2, 5], layers.1.bias [1], layers.1.weight [1, 2]. "
                + "Correct it, or download or export the file again.")
    }

    func testTokenizersOfAnotherModelAreRefused() throws {
        XCTAssertEqual(
            try refusal("clip-score", write(#"{"model_max_length": 77}"#, "tokenizer_config.json")),
            "clip: the tokenizer makes 77 ids below 60, the model takes 10 below 60. "
                + "Correct it, or download or export the file again.")
    }

    func testPreprocessingThatDoesNotFitIsRefused() throws {
        for (json, reason) in [
            (
                #"{"size": {"shortest_edge": 224}, "crop_size": 224}"#,
                "size 224 and crop_size 224 do not make"
            ),
            (#"{"size": 12}"#, "size 12 and crop_size 16 do not make the 16 × 16 pixels"),
            (#"{"do_center_crop": false}"#, "size 16 and crop_size 16 do not make"),
            (#"{"image_std": [1, 0, 1]}"#, "image_mean and image_std need three numbers each"),
            (#"{"do_normalize": false}"#, "do_normalize is false"),
            (#"{"size": {"height": 16, "width": 24}}"#, "height and width differ"),
        ] {
            let message = try refusal("pick-score", write(json, "preprocessor_config.json"))
            XCTAssertTrue(message.hasPrefix("clip/preprocessor_config.json: "), message)
            XCTAssertTrue(message.contains(reason), message)
        }
    }

    /// A directory as OpenAI's, without the file, and one that squeezes pictures into a square.
    func testPreprocessingOfOtherFiles() throws {
        try withTemporaryDirectory { directory in
            let copy = directory.appendingPathComponent("clip")
            try FileManager.default.copyItem(at: try fixture("clip"), to: copy)
            let entry = try ImageRewards.entry(named: "clip-score")
            let images = randomTensor([1, 9, 30, 3], in: 0...1, seed: 2)
            func score() throws -> [Float] {
                let reward = try entry.load(weights: copy.path)
                return try reward(images, prompts: ["a fox"]).floats
            }
            let given = try score()
            try remove("preprocessor_config.json")(copy)
            XCTAssertEqual(try score(), given)
            try write(
                #"{"size": {"height": 16, "width": 16}, "do_center_crop": false}"#, "preprocessor_config.json"
            )(copy)
            let squeezed = try score()
            XCTAssertNotEqual(squeezed, given)
            XCTAssertTrue(squeezed.allSatisfy(\.isFinite))
        }
    }
}
