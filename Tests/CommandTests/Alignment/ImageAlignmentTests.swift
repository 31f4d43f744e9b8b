import Foundation
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// `saddle align` on a text-to-image model with random weights.
final class ImageAlignmentTests: CommandTestCase {
    /// The alignment whose first update `Fixtures/replay.py` has replayed in PyTorch.
    private static let configuration = """
        kind: alignment
        seed: 3
        model: model
        prompts: ["a photo of a cat", "oil painting of a cafe", "a dog"]
        rewards:
          - {name: saturation, reward: saturation-high, threshold: 0.5, normalize: base}
          - {name: contrast, reward: local-contrast-low, threshold: 0.25, normalize: base}
        adapter: {initial: model/first.safetensors}
        sampling: {steps: 5, guidance: 3.0, negative_prompt: blurry, height: 16, width: 24}
        training: {batch: 8, micro_batch: 2, steps: 3, truncation: {kind: fixed, step: 2}}
        statistics: {batches: 2}
        evaluation: {samples: 8, held_out: ["a horse"], held_out_samples: 4, pictures: 4, preview_every: 1}
        checkpoints: {every: 1}
        """

    private func align(
        _ arguments: String..., output: String = "run", ranks: Int? = nil, yaml: String = configuration
    ) throws -> CommandResult {
        try workspace.run("align", yaml: yaml, arguments, output: output, ranks: ranks)
    }

    private func finish(_ arguments: String..., output: String, ranks: Int? = nil) throws -> RunDirectory {
        let result = try workspace.run(
            "align", yaml: Self.configuration, arguments, output: output, ranks: ranks)
        XCTAssertEqual(result.exitCode, 0, result.standardError)
        return RunDirectory(path: workspace.at(output))
    }

    /// Images, rewards, divergences and gradients of an update, whole tensors, against PyTorch.
    func testUpdateEqualsPyTorch() throws {
        try workspace.copyModel()
        for gradient in ["fixed_states", "through_states"] {
            let trace = workspace.at("\(gradient).safetensors")
            let result = try align(
                "--steps", "1", "--trace", trace, "--set", "objective.gradient=\(gradient)",
                output: gradient)
            XCTAssertEqual(result.exitCode, 0, result.standardError)
            let expected = try SafetensorsFile(path: fixture("\(gradient).safetensors").path)
            let actual = try SafetensorsFile(path: trace)
            let slopes = expected.entries.map(\.name).filter { $0.hasPrefix("gradient/") }
            XCTAssertEqual(slopes.count, actual.entries.filter { $0.name.hasPrefix("gradient/") }.count)
            for entry in expected.entries {
                assertWithin(
                    1e-4, try actual.tensor(entry.name), try expected.tensor(entry.name), entry.name)
            }
        }
    }

    /// Whatever is kept for the backward pass, and whoever holds the rewards: the same bits.
    func testRanksShardsAndMemoryGiveTheSameBits() throws {
        try workspace.copyModel()
        let alone = try finish(output: "alone")
        XCTAssertEqual(try alone.summary().names, ["saturation", "contrast"])
        for ranks in 2...4 {
            try assertIdentical(finish(output: "\(ranks)", ranks: ranks), alone, "\(ranks) ranks")
        }
        for (ranks, shards) in [(2, 2), (4, 2), (3, 3)] {
            let run = try finish(
                "--set", "ranks.shards=\(shards)", output: "\(ranks)-\(shards)", ranks: ranks)
            try assertIdentical(run, alone, "\(ranks) ranks, \(shards) shards")
        }
        for memory in ["steps", "layers"] {
            let run = try finish("--set", "training.memory=\(memory)", output: memory)
            try assertIdentical(run, alone, memory)
        }
    }

    /// Stopped wherever a run can stop (while it measures the base, after every iteration, while it settles and
    /// measures the result) and resumed on another number of ranks.
    func testInterruptedRunEndsWithTheSameBits() throws {
        try workspace.copyModel()
        let settling = ["--set", "training.settling=2"]
        let undisturbed = try finish(settling[0], settling[1], output: "undisturbed")
        try FileManager.default.createDirectory(
            atPath: workspace.at("run"), withIntermediateDirectories: true)
        var stops = 0
        var last: CommandResult
        repeat {
            try workspace.write("", to: "run/STOP")
            last = try align(
                "--resume", "auto", settling[0], settling[1], ranks: [2, nil, 3][stops % 3])
            stops += last.exitCode == 75 ? 1 : 0
        } while last.exitCode == 75 && stops < 20
        XCTAssertEqual(last.exitCode, 0, last.standardError)
        // Two parts of the base, three iterations, two updates, four measurements.
        XCTAssertEqual(stops, 11)
        try assertIdentical(RunDirectory(path: workspace.at("run")), undisturbed)
    }

    /// A budget decides what is kept for the backward pass, or that nothing fits, before the first update.
    func testMemoryBudget() throws {
        try workspace.copyModel()
        let small = try align(
            "--set", "training.memory_budget=0.001", "--set", "training.settling=0", output: "small")
        XCTAssertEqual(small.exitCode, 78, small.standardError)
        XCTAssertTrue(small.standardError.contains("Lower training.micro_batch (2)"), small.standardError)
        let plan = try align("--dry-run", "--ranks", "2", output: "plan")
        XCTAssertEqual(plan.exitCode, 0, plan.standardError)
        for words in ["rank 1: 2 micro-batches", "activations", "steps", "layers"] {
            XCTAssertTrue(plan.standardOutput.contains(words), plan.standardOutput)
        }
    }

    func testLeavesPicturesAdapterAndTables() throws {
        try workspace.copyModel()
        let run = try finish(output: "run")
        let names = try Set(FileManager.default.subpathsOfDirectory(atPath: run.path))
        for name in [
            "config.yaml", "summary.json", "evaluation.json", "base-statistics.json", "baselines.json",
            "pictures.png", "pytorch_lora_weights.safetensors", "images/aligned-3.png",
            "images/held-out-base-0.png", "checkpoint-3/pytorch_lora_weights.safetensors",
        ] { XCTAssertTrue(names.contains(name), name) }
        let adapter = try LoRAFile(path: "\(run.path)/pytorch_lora_weights.safetensors")
        let start = try LoRAFile(path: workspace.at("model/first.safetensors"))
        XCTAssertEqual(Set(adapter.unet.keys), Set(start.unet.keys))
        let sampled = try workspace.saddle([
            "sample", "--model", workspace.at("model"), "--prompt", "a dog", "--steps", "2", "--output",
            workspace.at("out"), "--adapter", "\(run.path)/pytorch_lora_weights.safetensors",
        ])
        XCTAssertEqual(sampled.exitCode, 0, sampled.standardError)
        let report = try workspace.saddle(["report", run.path])
        XCTAssertEqual(report.exitCode, 0, report.standardError)
    }

    /// Statistics of the base are written where asked for, and used by the next run.
    func testStatisticsAreCached() throws {
        try workspace.copyModel()
        let file = workspace.at("statistics.json")
        for output in ["first", "second"] {
            let result = try align("--set", "statistics.file=\(file)", output: output)
            XCTAssertEqual(result.exitCode, 0, result.standardError)
            XCTAssertEqual(
                result.standardError.contains("measuring the base model"), output == "first",
                result.standardError)
        }
        try assertIdentical(
            RunDirectory(path: workspace.at("second")), RunDirectory(path: workspace.at("first")))
        let other = try align("--set", "statistics.file=\(file)", "--set", "seed=4", output: "other")
        XCTAssertEqual(other.exitCode, 65)
        XCTAssertTrue(other.standardError.contains("another model, prompts"), other.standardError)
    }

    /// The run ends at its limit and says which threshold it has not met.
    func testThresholdOutOfReachIsReported() throws {
        try workspace.copyModel()
        let result = try align(
            "--set", "rewards[0].threshold=50", "--set", "training.settling=0", output: "far")
        XCTAssertEqual(result.exitCode, 0, result.standardError)
        XCTAssertTrue(
            result.standardError.contains(/saturation: .* NOT met, .*its λ was still growing/),
            result.standardError)
        XCTAssertFalse(result.standardError.contains(/\ncontrast: .* NOT met/), result.standardError)
    }

    /// Numbers that overflow, on one rank or all, end the job on all; what was saved before stays whole.
    func testNonFiniteRewardsEndTheRun() throws {
        try workspace.copyModel()
        let result = try align("--set", "training.learning_rate=1e30", output: "wild", ranks: 2)
        XCTAssertEqual(result.exitCode, 70, result.standardError)
        XCTAssertTrue(result.standardError.contains("learning_rate"), result.standardError)
        let verified = try workspace.saddle(["verify", workspace.at("wild/checkpoint-1")])
        XCTAssertEqual(verified.exitCode, 0, verified.standardError)
    }

    func testSaysWhatIsWrong() throws {
        try workspace.copyModel()
        let cases: [(set: String, code: Int32, words: String)] = [
            ("rewards[0].reward=saturation-hi", 78, "did you mean \"saturation-high\""),
            ("rewards[0].reward=pick-score", 78, "pick-score needs weights"),
            ("rewards[0].weights=model", 78, "takes no weights"),
            ("training.batch=7", 78, "is no multiple of training.micro_batch"),
            ("training.truncation.step=5", 78, "nothing would be differentiated"),
            ("sampling.eta=0", 78, "exact KL weights need more than 0"),
            ("sampling.guidanc=3", 78, "did you mean `guidance`"),
            ("sampling.height=17", 78, "sampling.height is 17, must be a multiple of 2"),
            ("dual.rule=simplex", 78, "is for compositions"),
            ("dual.rule=fixed", 78, "needs the weights that stay"),
            ("adapter.initial=none.safetensors", 66, "there is no"),
            ("model=nowhere", 66, "there is no"),
            ("ranks.shards=2", 78, "cannot form groups"),
            ("prompts=[]", 78, "is empty"),
        ]
        for (set, code, words) in cases {
            let result = try align("--set", set, output: "bad")
            XCTAssertEqual(result.exitCode, code, "\(set): \(result.standardError)")
            XCTAssertTrue(result.standardError.contains(words), "\(set): \(result.standardError)")
        }
    }
}
