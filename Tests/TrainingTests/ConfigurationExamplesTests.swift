import Foundation
import TestSupport
import Training
import XCTest

/// The shipped configurations.
final class ConfigurationExamplesTests: XCTestCase {
    private let examples = packageRoot.appendingPathComponent("examples")

    func testEveryExampleLoads() throws {
        let files = try XCTUnwrap(
            FileManager.default.enumerator(at: examples, includingPropertiesForKeys: nil)
        )
        .compactMap { $0 as? URL }.filter { $0.pathExtension == "yaml" }
        XCTAssertGreaterThanOrEqual(files.count, 9)
        for file in files {
            // Stable Diffusion's weights are not shipped.
            let requiresFiles = !file.path.contains("/stable-diffusion/")
            let problem = try ProblemConfiguration(file: file.path, requiresFiles: requiresFiles)
            let again = try ProblemConfiguration(yaml: problem.text, requiresFiles: requiresFiles)
            XCTAssertEqual(again, problem, file.path)
            XCTAssertEqual(again.text, problem.text, file.path)
        }
    }

    /// One of `examples/stable-diffusion`, whose weights need not be there.
    private func stableDiffusion(_ name: String, _ overrides: [String] = []) throws -> ProblemConfiguration {
        let file = examples.appendingPathComponent("stable-diffusion/\(name).yaml")
        return try ProblemConfiguration(file: file.path, overrides: overrides, requiresFiles: false)
    }

    private func alignment(_ name: String, _ overrides: [String] = []) throws -> ImageAlignmentConfiguration {
        let problem = try stableDiffusion(name, overrides)
        guard case .imageAlignment(let configuration) = problem else {
            throw AnotherProblem(text: problem.text)
        }
        return configuration
    }

    private func product(_ name: String) throws -> ImageCompositionConfiguration {
        let problem = try stableDiffusion(name)
        guard case .imageProduct(let configuration) = problem else {
            throw AnotherProblem(text: problem.text)
        }
        return configuration
    }

    private struct AnotherProblem: Error { let text: String }

    /// Tables 8 and 10 of the paper.
    func testStableDiffusionIsConfiguredAsInThePaper() throws {
        let (artifacts, four) = (try alignment("artifacts"), try alignment("four-rewards"))
        XCTAssertEqual(artifacts.rewards.map(\.reward), ["mps", "saturation-low", "local-contrast-low"])
        XCTAssertEqual(artifacts.rewards.map(\.threshold), [0.5, 0.5, 0.25])
        XCTAssertEqual(four.rewards.map(\.reward), ["mps", "hps-v2", "aesthetic", "pick-score"])
        XCTAssertEqual(four.rewards.map(\.threshold), [0.5, 0.5, 0.5, 0.5])
        for (configuration, epochs) in [(artifacts, 20), (four, 25)] {
            let training = configuration.training
            XCTAssertEqual(training.steps * training.primalSteps * training.batch, epochs * 128)
            XCTAssertEqual(training.batch, 64)
            XCTAssertEqual(configuration.sampling.steps, 15)
            XCTAssertEqual(configuration.dual.step, 0.05)
            XCTAssertEqual(configuration.objective.klCoefficient, 0.1)
            XCTAssertEqual(configuration.adapter.rank, 4)
            XCTAssertTrue(configuration.rewards.allSatisfy { $0.normalize == .base })
            XCTAssertEqual(configuration.evaluation.heldOut?.count, 6)
            guard case .file(let path) = configuration.prompts else { return XCTFail("no file of prompts") }
            let prompts = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            XCTAssertEqual(Set(prompts).count, 45)
        }
    }

    /// Table 3 of the paper, and its composition of concepts.
    func testCompositionsAreConfiguredAsInThePaper() throws {
        let adapters = try product("five-adapters")
        XCTAssertEqual(adapters.adapters?.count, 5)
        XCTAssertEqual(adapters.training.steps, 5)
        XCTAssertEqual(adapters.dual.rule, .simplex)
        XCTAssertEqual(adapters.dual.step, 1)
        XCTAssertEqual(adapters.dual.decay, 0.9)
        XCTAssertEqual(adapters.divergence.weights, .uniform)
        XCTAssertEqual(adapters.sampling.steps, 25)
        XCTAssertEqual(adapters.sampling.guidance, 5)
        XCTAssertEqual(adapters.training.microBatch, 4)
        let concepts = try product("two-concepts")
        XCTAssertTrue(concepts.hasConcepts)
        XCTAssertFalse(concepts.isGuided)
        XCTAssertEqual(concepts.dual.average, 5)
        XCTAssertEqual(concepts.training.steps, 50)
        XCTAssertEqual([concepts.sampling.guidance, concepts.divergenceGuidance], [12, 120])
    }

    /// The commands of examples/stable-diffusion/README.md.
    func testBaselinesAreOneOverrideAway() throws {
        for (name, weights) in [
            ("artifacts", [0.2, 0.2, 0.2]), ("artifacts", [1, 0, 0]), ("four-rewards", [0.2, 0.2, 0.2, 0.2]),
        ] {
            let list = weights.map { "\($0)" }.joined(separator: ", ")
            let baseline = try alignment(name, ["dual.rule=fixed", "dual.initial=[\(list)]"])
            XCTAssertEqual(baseline.dual.rule, .fixed)
            XCTAssertEqual(baseline.dual.initial, weights)
        }
        let other = try alignment(
            "artifacts",
            [
                "rewards[0].name=aesthetic", "rewards[0].reward=aesthetic",
                "rewards[0].weights=models/aesthetic",
            ])
        XCTAssertEqual(other.rewards[0].name, "aesthetic")
        XCTAssertTrue(other.rewards[0].weights?.hasSuffix("stable-diffusion/models/aesthetic") ?? false)
    }
}
