/// All that the loop's future depends on, beside the problem's own state.
public struct LoopState: Sendable, Equatable, Codable {
    /// Dual iterations done.
    public var iteration = 0
    /// λ for the next iteration.
    public var multipliers: [Double]
    /// The rule's state.
    public var rule: [String: [Double]] = [:]
    /// λₖ and vₖ of the latest iterations, concatenated.
    var window: TailAverage
    /// Largest |vᵢ| so far.
    var peaks: [Double]
    var monitor = InfeasibilityMonitor()

    init(multipliers: [Double], window: TailAverage) {
        self.multipliers = multipliers
        self.window = window
        peaks = multipliers.map { _ in 0 }
    }

    /// Tail averages of λ and v; before the first iteration λ itself and nothing.
    public var averages: (multipliers: [Double], violations: [Double]) {
        let mean = window.mean
        guard !mean.isEmpty else { return (multipliers, []) }
        return (Array(mean.prefix(multipliers.count)), Array(mean.suffix(multipliers.count)))
    }

    /// The state as named vectors, for a checkpoint; the rule's entries are under `rule/`.
    public var flat: [String: [Double]] {
        var entries = [
            "iteration": [Double(iteration)], "multipliers": multipliers, "peaks": peaks,
            "monitor": monitor.state, "window": window.rows.flatMap { $0 },
            "window_bounds": [window.fraction, Double(window.minimum), Double(window.maximum)],
        ]
        for (key, values) in rule { entries["rule/" + key] = values }
        return entries
    }

    /// The state that `flat` gave; throws ``SavedStateError`` if something does not fit.
    public init(flat: [String: [Double]]) throws {
        let reader = StateReader(entries: flat)
        iteration = try reader.count("iteration")
        multipliers = try reader.vector("multipliers")
        peaks = try reader.vector("peaks", count: multipliers.count)
        monitor = InfeasibilityMonitor(state: try reader.vector("monitor", count: 3))
        let bounds = try reader.vector("window_bounds", count: 3)
        guard bounds[0] > 0, bounds[0] <= 1, let minimum = Int(exactly: bounds[1]), minimum > 1,
            let maximum = Int(exactly: bounds[2]), maximum >= minimum
        else { throw SavedStateError.notACount("window_bounds", got: bounds[1]) }
        window = TailAverage(fraction: bounds[0], minimum: minimum, maximum: maximum)
        let rows = try reader.rows("window", length: 2 * multipliers.count)
        guard rows.count == min(iteration, maximum) else {
            throw SavedStateError.wrongCount("window", got: rows.count, expected: min(iteration, maximum))
        }
        window.restore(count: iteration, rows: rows)
        for (key, values) in flat where key.hasPrefix("rule/") { rule[String(key.dropFirst(5))] = values }
    }
}
