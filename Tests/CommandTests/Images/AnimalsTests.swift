import Foundation
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// The model that ships, in `saddle sample` and in diffusers, whose answers its recipe wrote.
final class AnimalsTests: CommandTestCase {
    private let animals = packageRoot.appendingPathComponent("examples/animals").path

    func testSamplesAsDiffusers() throws {
        let result = try workspace.saddle([
            "sample", "--model", "\(animals)/model", "--prompt", "an octopus", "--count", "2", "--steps",
            "10",
            "--guidance", "5", "--initial-latents", "\(animals)/reference/initial.safetensors",
            "--save-latents", workspace.at("saved.safetensors"), "--output", workspace.at("out"),
        ])
        XCTAssertEqual(result.exitCode, 0, result.standardError)
        let saved = try SafetensorsFile(path: workspace.at("saved.safetensors"))
        let expected = try SafetensorsFile(path: "\(animals)/reference/expected.safetensors")
        for (name, tolerance) in [
            ("text_embeddings", 1e-4), ("epsilon_uncond", 1e-4), ("epsilon_cond", 1e-4), ("latents", 1e-3),
            ("images", 1e-3),
        ] {
            assertWithin(tolerance, try saved.tensor(name), try expected.tensor(name), name)
        }
    }

    /// The preference model reads as a PickScore and prefers the prompt that a picture was made for.
    func testThePreferenceModelKnowsWhatASampleShows() throws {
        let sample = try workspace.saddle([
            "sample", "--model", "\(animals)/model", "--prompt", "a crocodile", "--steps", "15", "--guidance",
            "5",
            "--output", workspace.at("out"),
        ])
        XCTAssertEqual(sample.exitCode, 0, sample.standardError)
        let scores = try ["a crocodile", "a lobster", "a snail"].map { prompt in
            let result = try workspace.saddle([
                "score", "--reward", "pick-score=\(animals)/preference", "--image",
                workspace.at("out/image-0000.png"), "--prompt", prompt,
            ])
            XCTAssertEqual(result.exitCode, 0, result.standardError)
            let number = try XCTUnwrap(result.standardOutput.firstMatch(of: /-?\d+\.\d+/))
            return try XCTUnwrap(Double(number.0))
        }
        XCTAssertGreaterThan(scores[0], scores[1...].max() ?? .infinity)
    }
}
