import Checkpoints
import Foundation
import XCTest

/// What a run left behind.
struct RunDirectory: Sendable {
    let path: String

    /// `summary.json` by the keys of `docs/command.md`.
    struct Summary: Decodable, Sendable {
        let kind: String
        let status: String
        let iterations: Int
        let names: [String]
        let multipliers: [Double]
        let lastMultipliers: [Double]
        let violations: [Double]
        let rewards: [Double]?
        let divergences: [Double]?
        let bound: Double?
        let objective: Double
        let dualValue: Double
        let gap: Double
        let seconds: Double
        let ranks: Int
    }

    func data(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
    }

    func summary() throws -> Summary {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Summary.self, from: data("summary.json"))
    }

    /// Step of the newest checkpoint.
    func newestStep() throws -> Int? { try CheckpointStore(runDirectory: path).steps().last }

    /// Everything in the run directory that must not depend on ranks, interruptions and the time of day.
    func result() throws -> RunResult {
        let store = CheckpointStore(runDirectory: path)
        let checkpoint = try XCTUnwrap(store.latestWhole().checkpoint, "no whole checkpoint in \(path)")
        var files: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            let isResult = Self.results.contains(name) || name.hasSuffix(".safetensors")
            if isResult { files[name] = try data(name) }
        }
        return RunResult(
            step: checkpoint.step, state: checkpoint.state, files: files,
            summary: try contents("summary.json").map { try withoutTime($0, names: ["seconds", "ranks"]) },
            metrics: try lines("metrics.jsonl").map { try withoutTime($0, names: ["seconds"]) })
    }

    private static let results = [
        "baselines.json", "evaluation.json", "evaluation.csv", "composition.json", "pictures.png",
    ]

    /// Text of a file; nil where there is none (pretraining has neither summary nor metrics).
    func contents(_ name: String) throws -> String? {
        guard FileManager.default.fileExists(atPath: "\(path)/\(name)") else { return nil }
        return String(decoding: try data(name), as: UTF8.self)
    }

    func lines(_ name: String) throws -> [String] {
        try (contents(name) ?? "").split(separator: "\n").map(String.init)
    }

    /// JSON without the members `names`, which are numbers; the others as they are written, to the last digit.
    private func withoutTime(_ json: String, names: [String]) throws -> String {
        let member = try Regex("\"(\(names.joined(separator: "|")))\" ?: ?[-+.e0-9]+,?")
        return json.replacing(member, with: "")
    }
}

/// What two runs of one problem must have in common to the bit.
struct RunResult: Sendable {
    let step: Int
    let state: StateTree
    let files: [String: Data]
    let summary: String?
    let metrics: [String]

    /// Where it differs from another; empty where it does not.
    func differences(from other: RunResult) -> [String] {
        var found: [String] = []
        if step != other.step { found.append("step \(step), expected \(other.step)") }
        if summary != other.summary {
            found.append("summary \(summary ?? "none"), expected \(other.summary ?? "none")")
        }
        if metrics != other.metrics {
            let line = zip(metrics, other.metrics).first { $0 != $1 }
            found.append(
                "metrics: \(metrics.count) of \(other.metrics.count) lines, \(line.debugDescription)")
        }
        for path in Set(state.paths + other.state.paths).sorted() where state[path] != other.state[path] {
            found.append("state \(path)")
        }
        for name in Set(files.keys).union(other.files.keys).sorted() where files[name] != other.files[name] {
            found.append("file \(name)")
        }
        return found
    }
}

func assertIdentical(
    _ actual: RunDirectory, _ expected: RunDirectory, _ message: String = "",
    file: StaticString = #filePath, line: UInt = #line
) throws {
    let differences = try actual.result().differences(from: expected.result())
    guard !differences.isEmpty else { return }
    let shown = differences.prefix(8).joined(separator: "\n  ")
    XCTFail("\(message): \(differences.count) differences\n  \(shown)", file: file, line: line)
}
