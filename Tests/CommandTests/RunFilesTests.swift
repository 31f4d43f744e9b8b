import Checkpoints
import Foundation
import TestSupport
import XCTest

/// The files of a run directory, as `docs/command.md` promises them.
final class RunFilesTests: CommandTestCase {
    func testSummaryOfAComposition() throws {
        for (kind, problem) in [
            ("product", TinyProblems.exactProduct), ("mixture", TinyProblems.learnedMixture),
        ] {
            let run = try workspace.finish(problem, output: kind)
            XCTAssertEqual(try keysOfSummary(run), Self.commonKeys.union(["divergences", "bound"]))
            let summary = try run.summary()
            XCTAssertEqual(summary.kind, kind)
            XCTAssertEqual(summary.names, ["left", "right", "upper"])
            assertClose([summary.multipliers.reduce(0, +)], [1], absolute: 1e-9)
            let divergences = try XCTUnwrap(summary.divergences)
            XCTAssertEqual(summary.bound, divergences.max())
            XCTAssertEqual(summary.objective, summary.bound)
            XCTAssertEqual(summary.iterations, 5)
            XCTAssertEqual(summary.status, "iteration_limit")
        }
    }

    func testSummaryOfAnAlignment() throws {
        let run = try workspace.finish(TinyProblems.exactAlignment, ranks: 2)
        XCTAssertEqual(try keysOfSummary(run), Self.commonKeys.union(["rewards", "thresholds"]))
        let summary = try run.summary()
        XCTAssertEqual(summary.kind, "alignment")
        XCTAssertEqual(summary.names, ["right", "upper"])
        XCTAssertEqual(summary.ranks, 2)
        let missing = zip([0.6, 0.3], try XCTUnwrap(summary.rewards)).map { $0 - $1 }
        assertClose(summary.violations, missing, absolute: 1e-12)
        assertClose([summary.gap], [summary.objective - summary.dualValue], absolute: 1e-12)
    }

    private static let commonKeys: Set<String> = [
        "kind", "status", "iterations", "names", "multipliers", "last_multipliers", "violations", "objective",
        "dual_value", "gap", "seconds", "ranks",
    ]

    private func keysOfSummary(_ run: RunDirectory) throws -> Set<String> {
        let json = try JSONSerialization.jsonObject(with: run.data("summary.json"))
        return Set(try XCTUnwrap(json as? [String: Any]).keys)
    }

    /// One line per iteration in both files, with the same numbers.
    func testMetrics() throws {
        let run = try workspace.finish(TinyProblems.exactProduct)
        let rows = try run.lines("metrics.csv").map { $0.components(separatedBy: ",") }
        let names = ["left", "right", "upper"]
        let columns =
            ["step", "seconds", "objective", "dual_value", "gap"]
            + ["divergence", "violation", "multiplier"].flatMap { kind in names.map { "\(kind)/\($0)" } }
        XCTAssertEqual(rows.first, columns)
        XCTAssertEqual(rows.dropFirst().map { $0[0] }, ["1", "2", "3", "4", "5"])
        let objects = try run.lines("metrics.jsonl").map {
            try JSONDecoder().decode([String: Double].self, from: Data($0.utf8))
        }
        XCTAssertEqual(objects.count, 5)
        for (row, object) in zip(rows.dropFirst(), objects) {
            XCTAssertEqual(Set(object.keys), Set(columns))
            assertClose(try row.map { try XCTUnwrap(Double($0)) }, columns.compactMap { object[$0] })
        }
    }

    /// The resolved configuration starts the same run.
    func testResolvedConfiguration() throws {
        let run = try workspace.finish(TinyProblems.learnedMixture, ["--set", "seed=3"])
        let result = try workspace.saddle([
            "compose", run.path + "/config.yaml", "--output", workspace.at("again"),
        ])
        XCTAssertEqual(result.exitCode, 0, result.standardError)
        try assertIdentical(RunDirectory(path: workspace.at("again")), run)
        XCTAssertEqual(
            try run.contents("config.yaml"), try run.contents("checkpoint-5/config.yaml"))
    }

    /// The last, and as many before it as are kept.
    func testCheckpointsThatStay() throws {
        let run = try workspace.finish(
            TinyProblems.exactProduct,
            ["--steps", "9", "--set", "checkpoints={every: 1, keep: 2, permanent_every: 3}"])
        XCTAssertEqual(try CheckpointStore(runDirectory: run.path).steps(), [3, 6, 8, 9])
        for step in [3, 6, 8, 9] {
            let result = try workspace.saddle(["verify", "\(run.path)/checkpoint-\(step)"])
            XCTAssertEqual(result.exitCode, 0)
            let json = try JSONSerialization.jsonObject(with: Data(result.standardOutput.utf8))
            XCTAssertEqual((json as? [String: Any])?["valid"] as? Bool, true)
        }
        let inspected = try workspace.saddle(["inspect", "\(run.path)/checkpoint-9"])
        XCTAssertNotNil(try JSONSerialization.jsonObject(with: Data(inspected.standardOutput.utf8)))
    }

    /// Nothing else is left lying about.
    func testNamesInTheRunDirectory() throws {
        let run = try workspace.finish(TinyProblems.learnedProduct)
        let names = try FileManager.default.contentsOfDirectory(atPath: run.path)
        XCTAssertEqual(
            Set(names.filter { !$0.hasPrefix("events.out.tfevents.") }),
            [
                ".lock", "baselines.json", "checkpoint-2", "checkpoint-4", "checkpoint-5", "config.yaml",
                "metrics.csv", "metrics.jsonl", "model.safetensors", "samples.safetensors", "summary.json",
            ])
    }

    func testSamplesOfARun() throws {
        let run = try workspace.finish(TinyProblems.learnedAlignment)
        for seed in ["1", "1", "2"].enumerated() {
            let result = try workspace.saddle([
                "sample", "--model", run.path, "--count", "70", "--seed", seed.element, "--output",
                workspace.at("samples-\(seed.offset)"),
            ])
            XCTAssertEqual(result.exitCode, 0, result.standardError)
        }
        let files = try (0..<3).map {
            try RunDirectory(path: workspace.at("samples-\($0)")).data("samples.safetensors")
        }
        XCTAssertEqual(files[0], files[1])
        XCTAssertNotEqual(files[0], files[2])
    }

    /// h5py, safetensors and TensorBoard read what a run writes, without our code.
    func testOtherProgramsReadARun() throws {
        guard let python = ProcessInfo.processInfo.environment["SADDLE_REFERENCE_PYTHON"] else {
            throw XCTSkip("SADDLE_REFERENCE_PYTHON names no Python with h5py, safetensors and tensorboard")
        }
        let run = try workspace.finish(TinyProblems.learnedProduct, ["--steps", "3"])
        try workspace.finish(TinyProblems.learnedProduct, ["--resume", "latest"])
        let result = try Subprocess.run(python, ["-c", Self.reader, run.path], timeout: 120)
        XCTAssertEqual(result.exitCode, 0, result.standardError)
        let summary = try run.summary()
        let lines = result.standardOutput.split(separator: "\n").map { $0.split(separator: " ") }
        XCTAssertEqual(lines.first, ["steps", "1", "2", "3", "4", "5"])
        let multipliers = try lines[1].dropFirst().map { try XCTUnwrap(Double($0)) }
        assertClose(multipliers, summary.lastMultipliers, absolute: 1e-12)
        XCTAssertEqual(lines[2], ["samples", "(1024,", "2)"])
    }

    private static let reader = """
        import sys, h5py
        from safetensors.numpy import load_file
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        run = sys.argv[1]
        events = EventAccumulator(run)
        events.Reload()
        print("steps", *[event.step for event in events.Scalars("objective")])
        with h5py.File(run + "/checkpoint-5/state.h5") as state:
            print("multipliers", *state["dual/multipliers"][()])
        print("samples", load_file(run + "/samples.safetensors")["samples"].shape)
        """
}
