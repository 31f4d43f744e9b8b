import Foundation

/// Writes a run's numbers to `metrics.jsonl` and `metrics.csv`, one line a step, each line out before `write`
/// returns.
///
/// * `metrics.jsonl`: `{"step":12,"seconds":3.25,"objective":0.5,…}`. JSON has no NaN: a number that is not
///   finite is `null`, which pandas reads as NaN. Every scalar that is handed over is there.
/// * `metrics.csv`: header `step,seconds,` and the columns given at the start; numbers that are not finite
///   are `nan`, `inf`, `-inf`. A column without a value stays empty; a scalar that is no column stands in the
///   JSON lines only.
///
/// A resumed run keeps the lines up to and including the resumed step and drops everything after, torn lines
/// included.
public final class MetricsWriter {
    public static let jsonLinesName = "metrics.jsonl"
    public static let csvName = "metrics.csv"

    private let columns: [String]
    private let jsonLines: LogFile
    private let csv: LogFile

    /// - Parameters:
    ///   - directory: the run directory, which exists.
    ///   - columns: names of the scalars in `metrics.csv`, all different.
    ///   - resumedStep: the step of the checkpoint the run continues from; nil empties both files.
    /// - Throws: `TelemetryError.cannotWrite`, `.cannotRead`; `.columnsChanged` when a resumed file has
    ///   another header.
    public init(directory: URL, columns: [String], resumedStep: Int? = nil) throws {
        precondition(
            Set(columns + ["step", "seconds"]).count == columns.count + 2,
            "MetricsWriter: got columns \(columns), expected different names, none of them step or seconds")
        self.columns = columns
        let header = CSV.line(["step", "seconds"] + columns)
        let jsonPath = directory.appendingPathComponent(Self.jsonLinesName).path
        let csvPath = directory.appendingPathComponent(Self.csvName).path
        let keptJSON = try resumedStep.map { try MetricsResume.keptJSONLines(path: jsonPath, through: $0) }
        let keptCSV = try resumedStep.map {
            try MetricsResume.keptCSV(path: csvPath, header: header, through: $0)
        }
        jsonLines = try LogFile(path: jsonPath, keptBytes: keptJSON ?? 0)
        csv = try LogFile(path: csvPath, keptBytes: keptCSV ?? 0)
        if keptCSV ?? 0 == 0 { try csv.append(header.utf8) }
    }

    /// Adds one line to both files; steps grow from line to line.
    /// - Parameters:
    ///   - seconds: wall time since the run began.
    ///   - scalars: names, all different, and values, in the order they shall stand in the JSON line.
    public func write(step: Int, seconds: Double, scalars: [(name: String, value: Double)]) throws {
        let values = Dictionary(scalars.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        precondition(
            values.count == scalars.count && values["step"] == nil && values["seconds"] == nil,
            "MetricsWriter.write: got \(scalars.map(\.name)), "
                + "expected different names, none of them step or seconds"
        )
        let members =
            [("step", String(step)), ("seconds", JSONText.number(seconds))]
            + scalars.map { ($0.name, JSONText.number($0.value)) }
        let cells =
            [String(step), NumberText.exact(seconds)]
            + columns.map { name in values[name].map(NumberText.exact) ?? "" }
        try jsonLines.append((JSONText.object(members) + "\n").utf8)
        try csv.append(CSV.line(cells).utf8)
    }

    /// Waits until both files are on the disk; called before a checkpoint that a resume will trust.
    public func synchronize() throws {
        try jsonLines.synchronize()
        try csv.synchronize()
    }
}
