import Distributed
import Foundation

/// Numbers of consecutive samples, in columns, known on all ranks.
struct SampleTable: Sendable {
    private let samples: Int
    /// Row-major.
    private let values: [Double]
    private let columns: Int

    /// - Parameter own: what this rank knows; of each number one rank knows it, so that sums are exact.
    init(
        rows: Range<Int>, columns: Int, _ own: [TablePart], over communicator: any Communicator
    ) throws {
        var values = [Double](repeating: 0, count: rows.count * columns)
        for part in own {
            for (row, value) in zip(part.rows, part.values) {
                values[(row - rows.lowerBound) * columns + part.column] = value
            }
        }
        try communicator.allReduce(&values, .sum)
        (samples, self.columns, self.values) = (rows.count, columns, values)
    }

    func column(_ index: Int) -> [Double] { (0..<samples).map { values[$0 * columns + index] } }
}

/// Numbers of one column for consecutive samples.
struct TablePart: Sendable {
    let rows: Range<Int>
    let column: Int
    let values: [Double]
}

/// A mean over samples.
struct SampleMean: Codable, Equatable, Sendable {
    let mean: Double
    /// Its standard error; nil of a single sample.
    let error: Double?

    init(_ values: [Double]) {
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        self.mean = mean
        error = values.count > 1 ? (squares / (count - 1) / count).squareRoot() : nil
    }
}
