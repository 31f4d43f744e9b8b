import Telemetry

/// Runs with the same rewards beside each other: how high each reward ended, at which divergence, and the way there
/// (the paper's Figures 3 and 4).
struct RewardComparison {
    private let runs: [(name: String, record: RunRecord)]
    private let constraints: [ConstraintRecord]

    /// - Returns: nil unless all runs constrain the same rewards.
    init?(_ runs: [(name: String, record: RunRecord)]) {
        guard let first = runs.first?.record, !first.constraints.isEmpty,
            runs.allSatisfy({
                $0.record.measure == .reward && $0.record.constraintNames == first.constraintNames
            })
        else { return nil }
        self.runs = runs
        constraints = first.constraints
    }

    var charts: [SVG] { [rewards.svg(), divergences.svg()] + trajectories.map { $0.svg() } }

    private var rewards: BarChart {
        let base = runs.lazy.compactMap(\.record.evaluation?.trained.base).first
        let groups = runs.map { run in
            BarChart.Group(
                name: run.name, values: run.record.constraints.map { $0.value ?? .nan },
                errors: run.record.evaluation?.trained.aligned.errors ?? [])
        }
        return BarChart(
            title: "Rewards at the end", xLabel: "mean reward, with its standard error",
            categories: constraints.map(\.name),
            groups: (base.map { [.init(name: "base", values: $0.rewards, errors: $0.errors)] } ?? [])
                + groups,
            thresholds: constraints.enumerated().compactMap { index, constraint in
                constraint.threshold.map { .init(name: "required", value: $0, category: index) }
            })
    }

    private var divergences: BarChart {
        BarChart(
            title: "KL from the base", xLabel: "nats", categories: runs.map(\.name),
            groups: [.init(name: "KL", values: runs.map { $0.record.summary?.objective ?? .nan })])
    }

    /// One chart a reward, one curve a run.
    private var trajectories: [LineChart] {
        constraints.map { constraint in
            let series = runs.compactMap { name, record in
                record.history.flatMap { history in
                    history["reward/\(constraint.name)"].map {
                        LineChart.Series(name: name, x: history.steps.map(Double.init), y: $0)
                    }
                }
            }
            return LineChart(
                title: constraint.name, xLabel: "dual iteration", yLabel: "mean reward of a batch",
                series: series,
                thresholds: constraint.threshold.map { [.init(name: "required", value: $0)] } ?? [])
        }
    }
}
