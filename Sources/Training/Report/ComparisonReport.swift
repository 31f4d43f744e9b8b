import Telemetry

/// Several runs on one page.
struct ComparisonReport: Sendable {
    private let reports: [RunReport]
    private let records: [RunRecord]
    /// Different even where directories have the same last part.
    private let names: [String]

    init(_ reports: [RunReport]) {
        self.reports = reports
        records = reports.map(\.record)
        let short = records.map(\.name)
        names = Set(short).count == short.count ? short : records.map(\.directory)
    }

    func page() throws -> ReportPage {
        let sections = [result, ReportSection("Curves", curves)] + (try samples())
        return ReportPage(
            title: "Comparison of \(reports.count) runs", subtitle: names.joined(separator: " · "),
            sections: sections.filter { !$0.blocks.isEmpty }, footer: "Saddle \(saddleVersion)")
    }

    /// One grid where the runs share latents, else what each run shows.
    private func samples() throws -> [ReportSection] {
        if let shared = AlignmentPictures(zip(names, records).map { ($0, $1.directory) }) {
            return [ReportSection("Samples", try shared.blocks())]
        }
        return try zip(names, reports).map { name, report in
            ReportSection("Samples of \(name)", try report.pictures?.blocks() ?? [])
        }
    }

    private var result: ReportSection {
        let runs = zip(names, records).map { name, record in
            let constraints = record.constraints.flatMap { constraint in
                [
                    ("\(constraint.name): \(record.measure?.label ?? "value")", number(constraint.value)),
                    ("\(constraint.name): λ", number(constraint.multiplier)),
                ]
            }
            return (
                name: name,
                figures: [
                    ("kind", record.kind?.rawValue ?? ReportTable.missing), ("status", record.badge.text),
                ]
                    + record.keyFigures.map { ($0.name, $0.value) } + constraints
            )
        }
        return ReportSection("Result", [.table(ReportTable.comparison(runs: runs))])
    }

    private var curves: [ReportBlock] {
        let named = Array(zip(names, records)).map { (name: $0, record: $1) }
        let results = RewardComparison(named)?.charts ?? CompositionComparison(named)?.charts ?? []
        let lines = [
            ("Objective", "objective", false), ("Dual value", "dual_value", false),
            ("Size of the duality gap", "gap", true),
        ].map { title, metric, isLogarithmic in
            let series = zip(names, records).compactMap { name, record in
                record.history.flatMap { history in
                    history[metric].map { values in
                        LineChart.Series(
                            name: name, x: history.steps.map(Double.init),
                            y: isLogarithmic ? values.map(abs) : values)
                    }
                }
            }
            var chart = LineChart(title: title, xLabel: "dual iteration", yLabel: "nats", series: series)
            chart.isYLogarithmic = isLogarithmic
            return chart
        }.filter { !$0.series.isEmpty }
        let charts = results + lines.map { $0.svg() }
        return charts.isEmpty ? [] : [.charts(charts)]
    }
}
