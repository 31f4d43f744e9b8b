import Telemetry

/// The course of a run: objective and dual value, gap, what is constrained, multipliers.
struct RunCurves {
    private let record: RunRecord
    private let history: MetricsHistory
    private let steps: [Double]

    /// - Returns: nil before the first iteration.
    init?(_ record: RunRecord) {
        guard let history = record.history, !history.steps.isEmpty else { return nil }
        self.record = record
        self.history = history
        steps = history.steps.map(Double.init)
    }

    var charts: [SVG] {
        let drawn = [objective, measures, multipliers, gap]
        return drawn.filter { !$0.series.isEmpty }.map { $0.svg() }
    }

    private var objective: LineChart {
        chart(
            "Objective and dual value", yLabel: "nats",
            [("objective", "objective"), ("dual value", "dual_value")])
    }

    private var gap: LineChart {
        var chart = chart("Size of the duality gap", yLabel: "nats", [("", "gap")])
        for index in chart.series.indices { chart.series[index].y = chart.series[index].y.map(abs) }
        chart.isYLogarithmic = true
        return chart
    }

    private var measures: LineChart {
        let measure = record.measure ?? .divergence
        var chart = perConstraint(
            measure == .reward ? "Rewards" : measure == .crossEntropy ? "Cross-entropies" : "Divergences",
            yLabel: measure.label, group: measure.metric)
        chart.thresholds = record.constraints.enumerated().compactMap { index, constraint in
            constraint.threshold.map {
                .init(
                    name: "\(constraint.name) \(constraint.requirement ?? number($0))", value: $0,
                    series: index)
            }
        }
        if let bound = record.summary?.bound {
            chart.thresholds.append(.init(name: "bound u at the end", value: bound))
        }
        return chart
    }

    private var multipliers: LineChart { perConstraint("Multipliers", yLabel: "λ", group: "multiplier") }

    private func perConstraint(_ title: String, yLabel: String, group: String) -> LineChart {
        chart(title, yLabel: yLabel, record.constraintNames.map { ($0, "\(group)/\($0)") })
    }

    private func chart(_ title: String, yLabel: String, _ curves: [(name: String, metric: String)])
        -> LineChart
    {
        let series = curves.compactMap { curve in
            history[curve.metric].map { LineChart.Series(name: curve.name, x: steps, y: $0) }
        }
        return LineChart(title: title, xLabel: "dual iteration", yLabel: yLabel, series: series)
    }
}

/// What is constrained, for the result beside its baselines.
struct BaselineBars {
    private let record: RunRecord

    /// - Returns: nil where there is no baseline to compare with.
    init?(_ record: RunRecord) {
        guard record.summary != nil, !record.baselines.isEmpty, !record.constraints.isEmpty else {
            return nil
        }
        self.record = record
    }

    var charts: [SVG] {
        let constraints = record.constraints
        let measure = record.measure ?? .divergence
        let baselines = record.baselines.enumerated().map { index, baseline in
            BarChart.Group(
                name: baselineName(baseline.name),
                values: constraints.map { $0.baselines[index] ?? .nan })
        }
        let result = BarChart.Group(
            name: measure == .reward ? "aligned" : "constrained",
            values: constraints.map { $0.value ?? .nan })
        let bound = record.summary?.bound.map { BarChart.Threshold(name: "bound u", value: $0) }
        let chart = BarChart(
            title: title(measure),
            xLabel: measure.label, categories: constraints.map(\.name), groups: baselines + [result],
            thresholds: bound.map { [$0] } ?? [])
        return [chart.svg()]
    }

    private func title(_ measure: ConstraintRecord.Measure) -> String {
        switch measure {
        case .divergence: "KL of each model"
        case .crossEntropy: "Cross-entropy of each model"
        case .reward: "Rewards"
        }
    }
}
