import Telemetry

/// What a composition of images is compared with: KLs to its members and rewards, as the paper's Figures 5 and 6 and
/// Tables 1 and 5 have them.
struct CompositionSection {
    private let record: ImageCompositionEvaluation

    init(_ record: ImageCompositionEvaluation) { self.record = record }

    var tables: [ReportBlock] {
        let tables = [divergences] + (record.rewards.isEmpty ? [] : [rewards]) + concepts
        return tables.map(ReportBlock.table)
    }

    var charts: [SVG] {
        ([divergenceBars] + (hasPercentages ? [percentageBars] : [])).map { $0.svg() }
    }

    // MARK: Divergences

    private var compared: [ImageCompositionEvaluation.Model] {
        record.models.filter { $0.divergences != nil }
    }

    private var divergences: ReportTable {
        let rows = compared.map { model in
            let means = (model.divergences ?? []).map(\.mean)
            return [model.name] + means.map { number($0) } + [number(means.max() ?? .nan)]
        }
        return ReportTable(
            caption:
                "KL to each member (\(record.unit)); the largest is what the constrained product makes small."
                + (record.distillation.map {
                    " KL of the product to the distilled adapter: \(number($0.divergence.mean))."
                } ?? ""),
            header: ["model"] + record.names + ["largest"], rows: rows)
    }

    private var divergenceBars: BarChart {
        BarChart(
            title: "KL to each member, with its spread over prompts", xLabel: record.unit,
            categories: record.names,
            groups: compared.map { model in
                let means = model.divergences ?? []
                return BarChart.Group(
                    name: model.name, values: means.map(\.mean),
                    errors: model.deviations ?? means.map { $0.error ?? 0 })
            })
    }

    // MARK: Rewards

    private var scored: [ImageCompositionEvaluation.Model] { record.models.filter { !$0.rewards.isEmpty } }

    private var hasPercentages: Bool { scored.contains { $0.percentages.contains { $0 != nil } } }

    private var rewards: ReportTable {
        let rows = scored.map { model in
            [model.name]
                + zip(model.rewards, model.percentages).map { reward, percentage in
                    number(reward.mean) + (reward.error.map { " ± \(number($0))" } ?? "")
                        + (percentage.map { " (\(number($0)))" } ?? "")
                }
        }
        return ReportTable(
            caption: hasPercentages
                ? "Mean rewards with standard errors; in brackets 0 is the base and 100 the adapter trained on the "
                    + "reward alone."
                : "Mean rewards with standard errors; of comparisons with several concepts, the least of each image.",
            header: ["model"] + record.rewards, rows: rows)
    }

    private var percentageBars: BarChart {
        BarChart(
            title: "Rewards: 0 is the base, 100 the adapter trained on each alone",
            categories: record.rewards,
            groups: scored.filter { ImageCompositionEvaluation.results.contains($0.name) }.map { model in
                BarChart.Group(name: model.name, values: model.percentages.map { $0 ?? .nan })
            })
    }

    /// Similarity to each concept.
    private var concepts: [ReportTable] {
        record.rewards.enumerated().compactMap { index, reward in
            guard scored.contains(where: { !$0.conceptRewards[index].isEmpty }) else { return nil }
            let rows = scored.map { model in
                [model.name] + model.conceptRewards[index].map { number($0.mean) }
                    + [number(model.rewards[index].mean)]
            }
            return ReportTable(
                caption: "\(reward): similarity to each concept, and the mean of each image's least.",
                header: ["model"] + record.names + ["least"], rows: rows)
        }
    }
}

extension ImageCompositionEvaluation {
    /// Models that stand for the composition as a whole.
    static let results = [equalWeights, combinedPrompt, constrained, distilled]
}

/// Compositions beside each other: KLs and rewards of the constrained product of each run.
struct CompositionComparison {
    private let runs: [(name: String, record: ImageCompositionEvaluation)]

    /// - Returns: nil unless all runs compose images of the same members.
    init?(_ runs: [(name: String, record: RunRecord)]) {
        let records = runs.compactMap { name, record in record.composition.map { (name: name, record: $0) } }
        guard records.count == runs.count, let first = records.first?.record,
            records.allSatisfy({ $0.record.names == first.names && $0.record.rewards == first.rewards })
        else { return nil }
        self.runs = records
    }

    var charts: [SVG] {
        guard let first = runs.first?.record else { return [] }
        let chart = { (title: String, unit: String, categories: [String], values: Measure) in
            BarChart(
                title: title, xLabel: unit, categories: categories,
                groups: runs.map { run in
                    let means = values(run.record)
                    return BarChart.Group(
                        name: run.name, values: means.map(\.mean),
                        errors: means.map { $0.error ?? 0 })
                }
            ).svg()
        }
        let divergences = chart("KL to each member", first.unit, first.names) {
            $0.constrained?.divergences ?? []
        }
        guard !first.rewards.isEmpty else { return [divergences] }
        return [divergences, chart("Rewards", "mean", first.rewards) { $0.constrained?.rewards ?? [] }]
    }

    private typealias Measure = (ImageCompositionEvaluation) -> [SampleMean]
}
