import Checkpoints
import ConstrainedLearning
import Foundation

/// What one dual iteration measured.
struct DualMeasurement: Sendable {
    /// Divergences or rewards.
    var measures: [Double]
    /// Positive is violated.
    var violations: [Double]
    var objective: Double
    var dualValue: Double
    /// Size that violations are compared with.
    var scales: [Double]
    /// Curvature of the dual function, if the problem can tell; row-major.
    var hint: [Double]?
}

/// The dual side of a run: multipliers, rule, history; knows when to stop.
final class DualIterations {
    private(set) var iteration = 0
    private(set) var multipliers: [Double]
    private var rule: FallbackAscent
    private var history: [[Double]] = []
    private var violations: [[Double]] = []
    let domain: MultiplierDomain
    let limit: Int
    let tolerance: Double
    let window: Int
    private(set) var status: RunStatus?

    init(domain: MultiplierDomain, initial: [Double], limit: Int, tolerance: Double, window: Int) {
        self.domain = domain
        self.limit = limit
        self.tolerance = tolerance
        self.window = window
        multipliers = initial
        rule = FallbackAscent(domain: domain, count: initial.count)
    }

    var isFinished: Bool { status != nil || iteration >= limit }

    func advance(_ measurement: DualMeasurement) {
        iteration += 1
        guard measurement.violations.allSatisfy(\.isFinite) else { status = .nonFinite; return }
        history.append(multipliers)
        violations.append(measurement.violations)
        if isConverged(measurement.scales) { status = .converged }
        multipliers = rule.updated(multipliers, measurement.violations, hint: measurement.hint)
    }

    /// Average of the last iterates.
    var tailAverage: [Double] { average(history, last: max(window, history.count / 3)) }

    private func isConverged(_ scales: [Double]) -> Bool {
        guard history.count >= 2 * window else { return false }
        let (l, v) = (average(history, last: window), average(violations, last: window))
        switch domain {
        case .simplex:
            let mean = zip(l, v).reduce(0) { $0 + $1.0 * $1.1 }
            return ((v.max() ?? 0) - mean) <= tolerance * (scales.max() ?? 1)
        case .nonnegative:
            return zip(zip(l, v), scales).allSatisfy { pair, scale in
                pair.1 <= tolerance * scale && (pair.0 == 0 || abs(pair.1) <= tolerance * scale)
            }
        }
    }

    private func average(_ rows: [[Double]], last count: Int) -> [Double] {
        let tail = rows.suffix(count)
        guard !tail.isEmpty else { return multipliers }
        return multipliers.indices.map { i in tail.reduce(0) { $0 + $1[i] } / Double(tail.count) }
    }
}

extension DualIterations: Resumable {
    func save(to tree: inout StateTree, at path: String) {
        tree.set(iteration, at: "\(path)/iteration")
        tree.set(multipliers, at: "\(path)/multipliers")
        tree.set(history.flatMap { $0 }, at: "\(path)/history")
        tree.set(violations.flatMap { $0 }, at: "\(path)/violations")
        for (name, values) in rule.state { tree.set(values, at: "\(path)/rule/\(name)") }
        tree["\(path)/status"] = .text(status?.rawValue ?? "")
    }

    func restore(from tree: StateTree, at path: String) throws {
        iteration = try tree.count("\(path)/iteration")
        multipliers = try tree.doubles("\(path)/multipliers")
        let m = multipliers.count
        let rows: ([Double]) -> [[Double]] = { flat in
            stride(from: 0, to: flat.count, by: m).map { Array(flat[$0..<($0 + m)]) }
        }
        history = rows(try tree.doubles("\(path)/history"))
        violations = rows(try tree.doubles("\(path)/violations"))
        var state: [String: [Double]] = [:]
        for name in rule.state.keys { state[name] = try tree.doubles("\(path)/rule/\(name)") }
        rule.restore(state)
        status = RunStatus(rawValue: try tree.text("\(path)/status"))
    }
}
