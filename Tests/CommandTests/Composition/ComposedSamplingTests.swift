import Foundation
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// `saddle sample` on compositions.
final class ComposedSamplingTests: CommandTestCase {
    /// What a request leaves with `--save-latents`.
    private func sample(_ arguments: String..., name: String) throws -> SafetensorsFile {
        let saved = workspace.at("\(name).safetensors")
        let result = try workspace.saddle(
            [
                "sample", "--model", workspace.at("model"), "--steps", "3", "--guidance", "3", "--output",
                workspace.at(name), "--save-latents", saved,
            ] + arguments)
        XCTAssertEqual(result.exitCode, 0, result.standardError)
        return try SafetensorsFile(path: saved)
    }

    /// Σ w ε_i of the first step, without and with text, from what the members predict alone.
    func testPredictionsAreAveraged() throws {
        try workspace.copyModel()
        let (first, text) = (workspace.at("model/first.safetensors"), workspace.at("model/text.safetensors"))
        let both = try sample(
            "--prompt", "a dog", "--combine", "score", "--adapter", "\(first)=0.3", "--adapter",
            "\(text)=0.7", name: "both")
        let alone = try [
            sample("--prompt", "a dog", "--adapter", first, name: "first"),
            sample("--prompt", "a dog", "--adapter", text, name: "text"),
        ]
        for name in ["epsilon_uncond", "epsilon_cond"] {
            let expected = try alone[0].tensor(name) * 0.3 + alone[1].tensor(name) * 0.7
            assertWithin(1e-6, try both.tensor(name), expected, name)
        }
        let concepts = try sample("--concept", "a dog=0.3", "--concept", "x = y=0.7", name: "concepts")
        let texts = try [
            sample("--prompt", "a dog", name: "dog"), sample("--prompt", "x = y", name: "equation"),
        ]
        let expected = try texts[0].tensor("epsilon_cond") * 0.3 + texts[1].tensor("epsilon_cond") * 0.7
        assertWithin(1e-6, try concepts.tensor("epsilon_cond"), expected)
        assertWithin(
            1e-6, try concepts.tensor("epsilon_uncond"), try texts[0].tensor("epsilon_uncond"))
    }

    /// A run's composition is what its members and weights are by hand.
    func testCompositionOfARunIsItsMembersAndWeights() throws {
        try workspace.copyModel()
        let files = ["first", "second"].map { workspace.at("model/\($0).safetensors") }
        for combine in ["score", "weight"] {
            let file = try workspace.write(
                """
                kind: product
                model: model
                adapters: [{name: a, file: \(files[0])}, {name: b, file: \(files[1])}]
                prompts: ["a dog"]
                combine: \(combine)
                sampling: {steps: 3, guidance: 3.0, height: 16, width: 16}
                divergence: {steps: 4}
                training: {samples: 2, micro_batch: 2, steps: 1}
                dual: {rule: fixed, initial: [0.25, 0.75]}
                evaluation: {samples: 2, pictures: 1}
                """, to: "\(combine).yaml")
            let run = try workspace.saddle(["compose", file, "--output", workspace.at(combine)])
            XCTAssertEqual(run.exitCode, 0, run.standardError)
            let saved = workspace.at("\(combine)-run.safetensors")
            let result = try workspace.saddle([
                "sample", "--composition", workspace.at(combine), "--prompt", "a cat", "--output",
                workspace.at("out"), "--save-latents", saved,
            ])
            XCTAssertEqual(result.exitCode, 0, result.standardError)
            let byHand = try sample(
                "--prompt", "a cat", "--combine", combine, "--adapter", "\(files[0])=0.25", "--adapter",
                "\(files[1])=0.75", name: "\(combine)-hand")
            assertIdentical(
                try SafetensorsFile(path: saved).tensor("images"), try byHand.tensor("images"))
        }
    }

    func testSaysWhatIsWrong() throws {
        try workspace.copyModel()
        let model = workspace.at("model")
        let adapter = "\(model)/first.safetensors"
        let cases: [(arguments: [String], code: Int32, words: String)] = [
            (
                [
                    "--model", model, "--prompt", "x", "--combine", "score", "--adapter", adapter,
                    "--adapter",
                    adapter,
                ],
                64,
                "sum to 2.0, must sum to 1 where predictions are combined; in these proportions they are 0.5, 0.5"
            ),
            (["--model", model, "--concept", "a dog"], 64, "has no weight"),
            (
                ["--model", model, "--concept", "a dog=0.5", "--concept", "a cat=0.2"], 64,
                "the weights of --concept sum to 0.7"
            ),
            (["--model", model, "--concept", "a dog=1", "--prompt", "x"], 64, "does not go with concepts"),
            (["--model", model, "--prompt", "x", "--combine", "sum"], 64, "must be score or weight"),
            (["--composition", model, "--prompt", "x"], 65, "has no composition.json"),
            (["--composition", "nowhere", "--prompt", "x"], 66, "no such file"),
            (["--prompt", "x"], 64, "--model is missing"),
            (
                ["--composition", model, "--prompt", "x", "--adapter", adapter], 64,
                "do not go with --composition"
            ),
        ]
        for (arguments, code, words) in cases {
            let result = try workspace.saddle(["sample", "--output", workspace.at("out")] + arguments)
            XCTAssertEqual(result.exitCode, code, "\(arguments): \(result.standardError)")
            XCTAssertTrue(result.standardError.contains(words), "\(arguments): \(result.standardError)")
        }
    }
}
