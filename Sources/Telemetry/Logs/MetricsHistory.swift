import Foundation

/// The numbers a run has written to `metrics.jsonl` so far, column by column.
public struct MetricsHistory: Sendable, Equatable {
    public let steps: [Int]
    /// Wall time since the run began, per step.
    public let seconds: [Double]
    /// Names of the scalars, sorted.
    public let names: [String]
    private let columns: [String: [Double]]

    /// The values of one scalar, one per step; NaN where the step has none or where it was not finite.
    public subscript(name: String) -> [Double]? { columns[name] }

    /// Reads the file of a finished or still running run; a torn last line is left out.
    /// - Throws: `TelemetryError.cannotRead` when there is no file or a whole line is not ours.
    public init(directory: URL) throws {
        let path = directory.appendingPathComponent(MetricsWriter.jsonLinesName).path
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw TelemetryError.cannotRead(path: path, reason: error.localizedDescription)
        }
        let torn = bytes.last == UInt8(ascii: "\n") ? 0 : 1
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast(
            torn)
        let rows = try lines.filter { !$0.isEmpty }.enumerated().map { index, line in
            guard let row = try? JSONDecoder().decode([String: Double?].self, from: Data(line)),
                let step = (row["step"] ?? nil).flatMap(Int.init(exactly:))
            else {
                throw TelemetryError.cannotRead(path: path, reason: "line \(index + 1) is no metrics line")
            }
            return (step: step, values: row)
        }
        self.init(rows: rows)
    }

    private init(rows: [(step: Int, values: [String: Double?])]) {
        var columns: [String: [Double]] = [:]
        for (index, row) in rows.enumerated() {
            for (name, value) in row.values where name != "step" {
                columns[name, default: Array(repeating: .nan, count: rows.count)][index] = value ?? .nan
            }
        }
        steps = rows.map(\.step)
        seconds = columns.removeValue(forKey: "seconds") ?? Array(repeating: .nan, count: rows.count)
        names = columns.keys.sorted()
        self.columns = columns
    }
}
