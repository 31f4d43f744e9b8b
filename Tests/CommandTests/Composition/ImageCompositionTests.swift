import Foundation
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// `saddle compose` on text-to-image models with random weights.
final class ImageCompositionTests: CommandTestCase {
    private func compose(
        _ arguments: String..., output: String = "run", ranks: Int? = nil,
        yaml: String = CompositionDocuments.whole
    ) throws -> CommandResult {
        try workspace.run("compose", yaml: yaml, arguments, output: output, ranks: ranks)
    }

    private func finish(
        _ arguments: String..., output: String, ranks: Int? = nil, yaml: String = CompositionDocuments.whole
    ) throws -> RunDirectory {
        let result = try workspace.run("compose", yaml: yaml, arguments, output: output, ranks: ranks)
        XCTAssertEqual(result.exitCode, 0, result.standardError)
        return RunDirectory(path: workspace.at(output))
    }

    // MARK: Numbers

    /// ε_i, Σ λ_i ε_i, the DDIM trajectory and the KLs of every sample, whole tensors, and the dual path after them.
    func testIterationsEqualPyTorch() throws {
        try workspace.copyModel()
        for (name, key, settings) in [
            ("score", "score", []), ("weight", "score", ["--set", "combine=weight"]),
            ("concepts", "concepts", []),
        ] as [(String, String, [String])] {
            let trace = workspace.at("\(name)-trace.safetensors")
            let file = try workspace.write(CompositionDocuments.replayed[key] ?? "", to: "\(name).yaml")
            let result = try workspace.saddle(
                ["compose", file, "--output", workspace.at(name), "--trace", trace] + settings)
            XCTAssertEqual(result.exitCode, 0, result.standardError)
            let expected = try SafetensorsFile(path: fixture("\(name).safetensors").path)
            let actual = try SafetensorsFile(path: trace)
            for entry in expected.entries where entry.name != "path" {
                assertWithin(
                    1e-4, try actual.tensor(entry.name), try expected.tensor(entry.name),
                    "\(name) \(entry.name)")
            }
            let path = try expected.tensor("path")
            let taken = try multipliers(of: RunDirectory(path: workspace.at(name)))
            assertWithin(1e-5, Tensor(taken.flatMap { $0 }.map(Float.init), shape: path.shape), path, name)
        }
    }

    /// A start that goes on traces the iteration that comes next, not the first.
    func testTraceOfAResumedStartIsOfItsFirstIteration() throws {
        try workspace.copyModel()
        let yaml = try XCTUnwrap(CompositionDocuments.replayed["score"])
        _ = try finish("--steps", "2", output: "run", yaml: yaml)
        let trace = workspace.at("trace.safetensors")
        let run = try finish("--resume", "auto", "--trace", trace, output: "run", yaml: yaml)
        let traced = try SafetensorsFile(path: trace).tensor("multipliers")
        let expected = try multipliers(of: run)[2]
        assertWithin(1e-7, traced, Tensor(expected.map(Float.init), shape: traced.shape), "λ")
        XCTAssertNotEqual(expected, try multipliers(of: run)[0])
    }

    /// λ before every iteration, and after the last.
    private func multipliers(of run: RunDirectory) throws -> [[Double]] {
        let summary = try run.summary()
        let rows = try run.lines("metrics.jsonl").map { line in
            let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
            return summary.names.map { row["multiplier/\($0)"] as? Double ?? .nan }
        }
        return rows + [summary.lastMultipliers]
    }

    /// The mean of the last two iterates, the last one included.
    func testResultIsTheMeanOfTheLastIterates() throws {
        try workspace.copyModel()
        let run = try finish(output: "run", yaml: try XCTUnwrap(CompositionDocuments.replayed["score"]))
        let path = try multipliers(of: run).suffix(2)
        let expected = zip(path[path.startIndex], path[path.startIndex + 1]).map { ($0 + $1) / 2 }
        for (value, mean) in zip(try run.summary().multipliers, expected) {
            XCTAssertEqual(value, mean, accuracy: 1e-15)
        }
    }

    /// Under one guidance two members end at one half, and the command says so beforehand.
    func testTwoMembersUnderOneGuidanceAreTrivial() throws {
        try workspace.copyModel()
        let yaml = """
            kind: product
            model: model
            prompts: ["a photo of a cat", "a dog"]
            sampling: {steps: 2, guidance: 3.0, height: 16, width: 16}
            divergence: {steps: 4, noise: guided}
            training: {samples: 2, micro_batch: 2, steps: 40, draws: common}
            dual: {tolerance: 0.0001}
            evaluation: {samples: 2, pictures: 2}
            """
        let trivial = try finish(output: "trivial", yaml: yaml)
        for multiplier in try trivial.summary().multipliers {
            XCTAssertEqual(multiplier, 0.5, accuracy: 1e-3)
        }
        for (noise, isTrivial) in [("guided", true), ("unguided", false)] {
            let result = try compose(
                "--steps", "1", "--set", "divergence.noise=\(noise)", output: noise, yaml: yaml)
            XCTAssertEqual(result.exitCode, 0, result.standardError)
            XCTAssertEqual(
                result.standardError.contains("the answer is known beforehand"), isTrivial,
                result.standardError)
        }
    }

    // MARK: Ranks and resuming

    func testRanksAndShardsGiveTheSameBits() throws {
        try workspace.copyModel()
        let alone = try finish(output: "alone")
        XCTAssertEqual(try alone.summary().names, ["first", "second", "text"])
        for ranks in [2, 3, 5] {
            try assertIdentical(finish(output: "\(ranks)", ranks: ranks), alone, "\(ranks) ranks")
        }
        for (ranks, shards) in [(4, 2), (2, 1)] {
            let run = try finish(
                "--set", "ranks.shards=\(shards)", output: "\(ranks)-\(shards)", ranks: ranks)
            try assertIdentical(run, alone, "\(ranks) ranks, \(shards) shards")
        }
    }

    func testConceptsAndWeightsGiveTheSameBitsOnRanks() throws {
        try workspace.copyModel()
        for (name, settings) in [("concepts", []), ("score", ["--set", "combine=weight"])] {
            let file = try workspace.write(CompositionDocuments.replayed[name] ?? "", to: "\(name).yaml")
            let runs = try [nil, 2, 3].map { (ranks: Int?) in
                let output = workspace.at("\(name)-\(ranks ?? 1)")
                let result = try workspace.saddle(
                    ["compose", file, "--output", output] + settings, ranks: ranks)
                XCTAssertEqual(result.exitCode, 0, result.standardError)
                return RunDirectory(path: output)
            }
            for run in runs.dropFirst() { try assertIdentical(run, runs[0], name) }
        }
    }

    /// Stopped after every iteration, every update of the distillation and every model measured, on another number of
    /// ranks each time.
    func testInterruptedRunEndsWithTheSameBits() throws {
        try workspace.copyModel()
        let undisturbed = try finish(output: "undisturbed")
        try FileManager.default.createDirectory(
            atPath: workspace.at("run"), withIntermediateDirectories: true)
        // Three iterations, three updates, and the base, three members, two products and the distilled adapter.
        for stop in 0..<13 {
            try workspace.write("", to: "run/STOP")
            let result = try compose("--resume", "auto", ranks: [2, nil, 3][stop % 3])
            XCTAssertEqual(result.exitCode, 75, result.standardError)
        }
        let last = try compose("--resume", "auto", ranks: 2)
        XCTAssertEqual(last.exitCode, 0, last.standardError)
        try assertIdentical(RunDirectory(path: workspace.at("run")), undisturbed)
    }

    /// One of three ranks is killed in the middle; the others end too, and the run goes on from its newest checkpoint.
    func testADeadRankLosesNothing() throws {
        try workspace.copyModel()
        let yaml = CompositionDocuments.whole.replacing("steps: 3}\n", with: "steps: 20}\n")
        let undisturbed = try finish(output: "undisturbed", yaml: yaml)
        let (file, run) = (try workspace.write(yaml, to: "run.yaml"), workspace.at("run"))
        let killed = try workspace.disturb(
            ["compose", file, "--output", run], ranks: 3, once: "[ -s \(run)/metrics.jsonl ]",
            by: "read -r _ second _ < /proc/$!/task/$!/children; kill -KILL $second")
        XCTAssertEqual(killed.exitCode, 137, killed.standardError)
        let lines = try RunDirectory(path: run).lines("metrics.jsonl").count
        XCTAssertTrue((1..<20).contains(lines), "\(lines) iterations before the kill")
        XCTAssertNotNil(try RunDirectory(path: run).newestStep())
        try assertIdentical(finish("--resume", "auto", output: "run", ranks: 2, yaml: yaml), undisturbed)
    }

    /// Distillation can be asked for afterwards; what a run was begun with cannot be replaced under it.
    func testWhatMayChangeWhenARunGoesOn() throws {
        try workspace.copyModel()
        _ = try finish("--set", "distillation.steps=0", output: "run")
        let distilled = try finish("--resume", "auto", output: "run")
        try assertIdentical(distilled, finish(output: "whole"))
        // Other multipliers of the same iterations are distilled and measured anew.
        let average = ["--set", "dual.average=1", "--set", "training.steps=2"]
        let last = try finish(average[0], average[1], average[2], average[3], output: "last")
        _ = try finish(average[2], average[3], output: "moved")
        let moved = try finish(
            average[0], average[1], average[2], average[3], "--resume", "auto", output: "moved")
        XCTAssertEqual(try moved.data("evaluation.json"), try last.data("evaluation.json"))
        let other = try compose("--resume", "auto", "--set", "distillation.rank=2")
        XCTAssertEqual(other.exitCode, 78, other.standardError)
        XCTAssertTrue(
            other.standardError.contains("distillation has begun with other settings"), other.standardError)
        try Data(contentsOf: URL(fileURLWithPath: workspace.at("model/first.safetensors")))
            .write(to: URL(fileURLWithPath: workspace.at("model/second.safetensors")))
        let replaced = try compose("--resume", "auto", "--steps", "9")
        XCTAssertEqual(replaced.exitCode, 78, replaced.standardError)
        XCTAssertTrue(replaced.standardError.contains("what adapters[1].file names"), replaced.standardError)
    }

    // MARK: What is left

    func testLeavesPicturesTablesAndAnAdapter() throws {
        try workspace.copyModel()
        let run = try finish(output: "run")
        let names = try Set(FileManager.default.subpathsOfDirectory(atPath: run.path))
        for name in [
            "config.yaml", "summary.json", "evaluation.json", "evaluation.csv", "composition.json",
            "baselines.json", "pictures.png", "pytorch_lora_weights.safetensors", "images/base-0.png",
            "images/constrained-2.png", "images/first-1.png", "images/distilled-0.png",
            "conclusion/3/checkpoint-3/pytorch_lora_weights.safetensors",
        ] { XCTAssertTrue(names.contains(name), name) }
        let evaluation = try XCTUnwrap(
            JSONSerialization.jsonObject(with: run.data("evaluation.json")) as? [String: Any])
        let models = try XCTUnwrap(evaluation["models"] as? [[String: Any]])
        let percentages = Dictionary(
            uniqueKeysWithValues: models.compactMap { model in
                (model["percentages"] as? [Any])?.first.flatMap { $0 as? Double }
                    .map { (model["name"] as? String ?? "", $0) }
            })
        XCTAssertEqual(percentages["base"], 0)
        XCTAssertEqual(percentages["first"], 100)
        let report = try workspace.saddle(["report", run.path])
        XCTAssertEqual(report.exitCode, 0, report.standardError)
        let page = String(decoding: try run.data("report.html"), as: UTF8.self)
        for text in ["KL to each member", "equal weights", "distilled", "100 the adapter"] {
            XCTAssertTrue(page.contains(text), text)
        }
        let other = try workspace.saddle(["report", run.path, run.path])
        XCTAssertEqual(other.exitCode, 0, other.standardError)
        for format in ["diffusers", "kohya"] {
            let exported = try workspace.saddle([
                "export", "\(run.path)/conclusion/3/checkpoint-3", "--format", format, "--output",
                workspace.at(format),
            ])
            XCTAssertEqual(exported.exitCode, 0, exported.standardError)
            XCTAssertFalse(try LoRAFile(path: workspace.at(format)).unet.isEmpty)
        }
    }

    func testDryRunSaysWhoDoesWhatAndWhatItTakes() throws {
        try workspace.copyModel()
        let plan = { (ranks: String) in
            let result = try self.compose("--dry-run", "--ranks", ranks, output: "plan")
            XCTAssertEqual(result.exitCode, 0, result.standardError)
            return result.standardOutput
        }
        let (one, three) = (try plan("1"), try plan("3"))
        XCTAssertTrue(one.contains("rank 0: 6 micro-batches, members first, second, text\n"), one)
        XCTAssertTrue(three.contains("rank 0: 6 micro-batches, members first\n"), three)
        XCTAssertTrue(three.contains("rank 2: 6 micro-batches, members text\n"), three)
        for phase in ["dual ascent", "distillation", "pictures"] {
            XCTAssertTrue(
                one.contains("\n  \(phase.padding(toLength: 12, withPad: " ", startingAt: 0)) "), one)
        }
        XCTAssertFalse(FileManager.default.fileExists(atPath: workspace.at("plan")))
    }

    /// An adapter that starts at the sum of the members is close to it, and training brings it closer.
    func testDistilledAdapterComesClose() throws {
        try workspace.copyModel()
        let settings = [
            "--steps", "1", "--set", "dual.rule=fixed", "--set", "dual.initial=[0.5, 0.5]",
            "--set", "sampling.eta=0", "--set", "training.micro_batch=2",
        ]
        let yaml = CompositionDocuments.whole.replacing(
            "  - {name: text, file: model/text.safetensors}\n", with: "")
        let shares = try [1, 60].map { steps in
            let file = try workspace.write(yaml, to: "\(steps).yaml")
            let result = try workspace.saddle(
                ["compose", file, "--output", workspace.at("\(steps)")] + settings + [
                    "--set", "distillation.steps=\(steps)", "--set", "distillation.rank=6",
                    "--set", "distillation.learning_rate=0.003", "--set", "distillation.batch=8",
                ])
            XCTAssertEqual(result.exitCode, 0, result.standardError)
            let data = try RunDirectory(path: workspace.at("\(steps)")).data("evaluation.json")
            let object = try JSONSerialization.jsonObject(with: data) as? [String: Any]
            return try XCTUnwrap((object?["distillation"] as? [String: Any])?["share"] as? Double)
        }
        XCTAssertLessThan(shares[1], 0.8 * shares[0])
        XCTAssertLessThan(shares[1], 0.3)
    }

    // MARK: Other members

    /// Two pipelines with one autoencoder; with another autoencoder they are refused.
    func testModelsMustShareTheAutoencoder() throws {
        try workspace.copyModel()
        try workspace.copyModel(to: "other")
        let weights = workspace.at("other/unet/diffusion_pytorch_model.safetensors")
        let unet = try SafetensorsFile(path: weights)
        let scaled = try unet.entries.map { ($0.name, try unet.tensor($0.name, as: .float32) * 0.9) }
        try SafetensorsFile.write(Dictionary(uniqueKeysWithValues: scaled), to: weights)
        let yaml = """
            kind: product
            model: model
            models: [{name: one, model: model}, {name: two, model: other}]
            prompts: ["a dog"]
            sampling: {steps: 3, height: 16, width: 16}
            divergence: {steps: 4}
            training: {samples: 4, micro_batch: 2, steps: 3}
            evaluation: {samples: 4, pictures: 2}
            """
        let alone = try finish(output: "alone", yaml: yaml)
        try assertIdentical(finish(output: "pair", ranks: 2, yaml: yaml), alone)
        let sampled = try workspace.saddle([
            "sample", "--composition", alone.path, "--prompt", "a dog", "--output", workspace.at("out"),
        ])
        XCTAssertEqual(sampled.exitCode, 0, sampled.standardError)
        for (file, old, new, words) in [
            (
                "vae/config.json", "\"scaling_factor\": 0.18215", "\"scaling_factor\": 0.3",
                "scales latents by 0.3"
            ),
            ("scheduler/scheduler_config.json", "0.012", "0.011", "noise schedule is another one"),
        ] {
            let path = workspace.at("other/\(file)")
            let text = try String(contentsOfFile: path, encoding: .utf8)
            XCTAssertTrue(text.contains(old), text)
            try text.replacing(old, with: new).write(toFile: path, atomically: true, encoding: .utf8)
            let result = try compose(output: "refused", ranks: 2, yaml: yaml)
            XCTAssertEqual(result.exitCode, 65, result.standardError)
            XCTAssertTrue(result.standardError.contains(words), result.standardError)
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
    }
}
