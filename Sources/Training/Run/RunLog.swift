import Foundation
import Telemetry

/// Everything a run says while it iterates: the printed table, metrics files, TensorBoard events.
///
/// Lives on rank 0 only; the others have none.
final class RunLog {
    /// One dual iteration.
    struct Entry {
        var iteration: Int
        var objective: Double
        var dualValue: Double
        /// Divergences or rewards, one per constraint.
        var measures: [Double]
        var violations: [Double]
        var multipliers: [Double]
        /// More numbers for the files, as many as names were given.
        var extras: [Double] = []
    }

    private let names: [String]
    private let measure: String
    private let extras: [String]
    private let metrics: MetricsWriter
    private let tensorBoard: TensorBoardWriter
    private var table: IterationTable
    private let progress: ProgressBar

    /// - Parameters:
    ///   - measure: what a constraint measures: `divergence` or `reward`.
    ///   - extras: names of more numbers that each iteration has.
    ///   - resumedStep: the iteration of the checkpoint the run goes on from.
    init(
        directory: String, console: Console, names: [String], measure: String, extras: [String] = [],
        iterations: Int, resumedStep: Int?
    ) throws {
        let url = URL(fileURLWithPath: directory)
        self.names = names
        self.measure = measure
        self.extras = extras
        let columns =
            ["objective", "dual_value", "gap"]
            + ["\(measure)", "violation", "multiplier"].flatMap { group in names.map { "\(group)/\($0)" } }
            + extras
        metrics = try MetricsWriter(directory: url, columns: columns, resumedStep: resumedStep)
        tensorBoard = try TensorBoardWriter(directory: url, resumedStep: resumedStep)
        table = IterationTable(
            console: console, constraints: names, measure: measure == "reward" ? "reward" : "KL",
            extras: ["gap"])
        progress = ProgressBar(
            label: "dual ascent", total: iterations, start: resumedStep ?? 0, console: console)
    }

    func write(_ entry: Entry, seconds: Double) throws {
        let gap = entry.objective - entry.dualValue
        let perConstraint = [
            (measure, entry.measures), ("violation", entry.violations),
            ("multiplier", entry.multipliers),
        ].flatMap { group, values in
            zip(names, values).map { (name: "\(group)/\($0)", value: $1) }
        }
        let scalars =
            [
                (name: "objective", value: entry.objective), (name: "dual_value", value: entry.dualValue),
                (name: "gap", value: gap),
            ] + perConstraint + zip(extras, entry.extras).map { (name: $0, value: $1) }
        try metrics.write(step: entry.iteration, seconds: seconds, scalars: scalars)
        try tensorBoard.write(step: entry.iteration, scalars: scalars)
        table.print(
            IterationRow(
                iteration: entry.iteration, objective: entry.objective, extras: [gap],
                measures: entry.measures,
                violations: entry.violations, multipliers: entry.multipliers, seconds: seconds))
        progress.update(entry.iteration)
    }

    /// A picture for TensorBoard.
    func write(_ name: String, _ picture: PNGImage, iteration: Int) throws {
        try tensorBoard.write(step: iteration, name: name, image: picture)
    }

    /// Before a checkpoint: what a resume will trust must be on the disk.
    func synchronize() throws {
        try metrics.synchronize()
        try tensorBoard.synchronize()
    }

    func finish(_ figures: [(name: String, value: String)]) {
        progress.finish()
        table.finish(figures)
    }
}
