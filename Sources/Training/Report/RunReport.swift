import Foundation
import Telemetry

/// The report of one run: result, curves, pictures, how to reproduce it.
struct RunReport: Sendable {
    let record: RunRecord
    /// nil where the run has left no samples.
    let pictures: (any RunPictures)?

    init(_ record: RunRecord) {
        self.record = record
        pictures = runPictures(of: record)
    }

    func page() throws -> ReportPage {
        let samples = ReportSection("Samples", try pictures?.blocks() ?? [])
        let sections = [result, samples, curves, reproduction]
        return ReportPage(
            title: record.name, subtitle: record.subtitle, status: record.badge,
            sections: sections.filter { !$0.blocks.isEmpty }, footer: "Saddle \(saddleVersion)")
    }

    private var result: ReportSection {
        var blocks: [ReportBlock] = []
        if record.summary == nil, record.kind != .pretraining {
            blocks.append(
                .paragraph(
                    "The run has not ended: there is no summary.json. What follows is as far as it went."))
        }
        if !record.keyFigures.isEmpty { blocks.append(.figures(record.keyFigures)) }
        if !record.constraints.isEmpty { blocks.append(.table(ConstraintTable(record).table)) }
        if let composition = record.composition { blocks += CompositionSection(composition).tables }
        return ReportSection("Result", blocks)
    }

    private var curves: ReportSection {
        let results =
            record.composition.map { CompositionSection($0).charts } ?? BaselineBars(record)?.charts ?? []
        let charts = (RunCurves(record)?.charts ?? []) + results
        return ReportSection("Curves", charts.isEmpty ? [] : [.charts(charts)])
    }

    private var reproduction: ReportSection {
        var blocks: [ReportBlock] = []
        if let command { blocks.append(.verbatim(command, caption: "Command")) }
        if !record.configurationText.isEmpty {
            blocks.append(
                .verbatim(record.configurationText, caption: "config.yaml, with every default filled in"))
        }
        if let version = record.writerVersion {
            let steps = record.checkpoints.map(String.init).joined(separator: ", ")
            blocks.append(.paragraph("Checkpoints of steps \(steps), written by Saddle \(version)."))
        }
        return ReportSection("How to reproduce", blocks)
    }

    private var command: String? {
        guard let kind = record.kind, !record.configurationText.isEmpty else { return nil }
        let verb =
            switch kind {
            case .product, .mixture: "compose"
            case .alignment: "align"
            case .pretraining: "pretrain"
            }
        return "mpirun -n \(record.summary?.ranks ?? 2) saddle \(verb) \(record.directory)/config.yaml "
            + "--output \(record.directory)-again"
    }
}

/// Every constraint with what it requires and what the run reached.
struct ConstraintTable {
    let table: ReportTable

    init(_ record: RunRecord) {
        let constraints = record.constraints
        let isAlignment = record.measure == .reward
        let columns: [(header: String, cell: (ConstraintRecord) -> String)] =
            [(isAlignment ? "reward" : "model", { $0.name })]
            + (isAlignment ? [("required", { $0.requirement ?? ReportTable.missing })] : [])
            + [
                (record.measure?.label ?? "value", { number($0.value) })
            ]
            + (constraints.contains { $0.error != nil } ? [("± standard error", { number($0.error) })] : [])
            + [
                ("violation", { number($0.violation) }),
                ("λ", { number($0.multiplier) }),
            ]
            + (constraints.contains { $0.heldOut != nil }
                ? [("held-out prompts", { number($0.heldOut) })] : [])
            + record.baselines.enumerated().map { index, baseline in
                (baselineName(baseline.name), { number($0.baselines[index]) })
            }
        table = ReportTable(
            caption: Self.caption(record), header: columns.map(\.header),
            rows: constraints.map { constraint in columns.map { $0.cell(constraint) } })
    }

    private static func caption(_ record: RunRecord) -> String {
        let violated = "A positive violation is a broken constraint."
        return record.summary == nil
            ? "At the last iteration so far. \(violated)"
            : "Measured at the end on fresh samples; "
                + "λ is the average of the last iterates, for a KL coefficient of 1. \(violated)"
    }
}
