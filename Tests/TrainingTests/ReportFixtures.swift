import Foundation
import TensorCore
import WeightFiles

/// Run directories as trainers leave them, written by hand.
struct RunFixture {
    let directory: URL

    /// - Parameter name: of a new directory in `parent`.
    init(_ name: String, in parent: URL) throws {
        directory = parent.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    var path: String { directory.path }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: directory.appendingPathComponent(name))
    }

    func text(_ name: String) throws -> String {
        try String(contentsOf: directory.appendingPathComponent(name), encoding: .utf8)
    }

    func has(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: directory.appendingPathComponent(name).path)
    }

    /// Samples `offset + index / 7 − …`, different in every set and column.
    func writeSamples(_ names: [String], count: Int, dimension: Int) throws {
        var tensors: [String: Tensor] = [:]
        for (index, name) in names.enumerated() {
            let values = (0..<count * dimension).map { place in
                Float(sin(Double(place * (index + 3)) * 0.37)) + Float(index) * 0.1
            }
            tensors[name] = Tensor(values, shape: [count, dimension])
        }
        try SafetensorsFile.write(tensors, to: "\(path)/samples.safetensors")
    }

    /// A finished product of two models in the plane.
    static func product(in parent: URL, named name: String = "planar") throws -> RunFixture {
        let run = try RunFixture(name, in: parent)
        try run.write(
            "config.yaml",
            """
            kind: product
            dimension: 2
            score: analytic
            models:
              - {name: wide, gaussian: {mean: [0.9, 0.0], covariance: [[0.3, 0.1], [0.1, 0.2]]}}
              - {name: narrow & co, gaussian: {mean: [-0.4, 0.5], covariance: [[0.05, 0.0], [0.0, 0.08]]}}
            """)
        try run.write("metrics.jsonl", metrics("divergence", ["wide", "narrow & co"], steps: 3))
        try run.write(
            "summary.json",
            """
            {"kind": "product", "status": "converged", "iterations": 3, "names": ["wide", "narrow & co"],
             "multipliers": [0.6347, 0.3653], "last_multipliers": [0.63, 0.37], "violations": [0, -0.0125],
             "divergences": [2.3316, 2.3191], "bound": 2.3316, "objective": 2.3316, "dual_value": 2.327,
             "gap": 0.0046, "seconds": 75.4, "ranks": 3}
            """)
        try run.write("baselines.json", #"{"equal_weights": {"divergences": [3.2203, 1.1461]}}"#)
        try run.writeSamples(
            ["samples", "equal_weights", "model/wide", "model/narrow & co"], count: 50, dimension: 2)
        return run
    }

    /// A finished alignment under a lower and an upper bound.
    static func alignment(in parent: URL) throws -> RunFixture {
        let run = try RunFixture("aligned", in: parent)
        try run.write(
            "config.yaml",
            """
            kind: alignment
            dimension: 2
            models: [{name: base, gaussian: {mean: [0, 0], covariance: [[1, 0], [0, 1]]}}]
            rewards:
              - {name: right, linear: [1.0, 0.0], threshold: 0.5}
              - {name: up, linear: [0.0, 1.0], threshold: 0.25, direction: low}
            """)
        try run.write("metrics.jsonl", metrics("reward", ["right", "up"], steps: 2))
        try run.write(
            "summary.json",
            """
            {"kind": "alignment", "status": "iteration_limit", "iterations": 2, "names": ["right", "up"],
             "multipliers": [0.52, 0], "last_multipliers": [0.52, 0], "violations": [0.01, -0.15],
             "rewards": [0.49, 0.1], "thresholds": [0.5, 0.25], "objective": 0.13, "dual_value": 0.131,
             "gap": "nan", "seconds": 5, "ranks": 1}
            """)
        try run.writeSamples(["samples", "base"], count: 40, dimension: 2)
        return run
    }

    static func metrics(_ measure: String, _ names: [String], steps: Int) -> String {
        (1...steps).map { step in
            let perConstraint = [measure, "violation", "multiplier"].enumerated().flatMap { group, key in
                names.enumerated().map { "\"\(key)/\($1)\": \(Double(step + 10 * group) + 0.5 * Double($0))" }
            }
            return "{\"step\": \(step), \"seconds\": \(Double(step) * 1.5), \"objective\": \(3 - step), "
                + "\"dual_value\": \(step), \"gap\": 0.125, " + perConstraint.joined(separator: ", ") + "}\n"
        }.joined()
    }
}

extension RunFixture {
    func writeNonFiniteSamples(dimension: Int) throws {
        let values = (0..<8 * dimension).map { $0 % 3 == 0 ? Float.nan : $0 % 3 == 1 ? .infinity : 0.5 }
        try SafetensorsFile.write(
            [
                "samples": Tensor(values, shape: [8, dimension]),
                "model/a": Tensor(Array(repeating: Float.nan, count: 8 * dimension), shape: [8, dimension]),
            ], to: "\(path)/samples.safetensors")
    }
}
