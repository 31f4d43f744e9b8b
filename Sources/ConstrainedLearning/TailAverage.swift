/// Average over the last part of a sequence of vectors.
///
/// The iterates of a stochastic ascent wander about the optimum; their tail average is far closer to it than
/// the last one (Polyak and Juditsky 1992), and, unlike the full average, forgets the way there. Rows are
/// kept and summed afresh, so a restored value continues to the bit.
public struct TailAverage: Sendable, Equatable, Codable {
    /// Share of all rows so far that the window spans.
    public let fraction: Double
    /// Bounds of the window's length, in rows.
    public let minimum: Int
    public let maximum: Int
    /// Rows appended since the start.
    public private(set) var count: Int
    /// The latest rows, oldest first, at most `maximum`.
    public private(set) var rows: [[Double]]

    public init(fraction: Double = 0.25, minimum: Int = 8, maximum: Int = 512) {
        precondition(
            fraction > 0 && fraction <= 1 && minimum > 1 && maximum >= minimum,
            "TailAverage: got fraction \(fraction), minimum \(minimum), maximum \(maximum), "
                + "expected 0 < fraction ≤ 1 < minimum ≤ maximum")
        self.fraction = fraction
        self.minimum = minimum
        self.maximum = maximum
        count = 0
        rows = []
    }

    /// Rows in the window: `fraction` of those so far within the bounds, or all while there are too few.
    public var length: Int {
        min(max(minimum, Int(fraction * Double(count))), maximum, rows.count)
    }

    /// Whether the window holds its minimum of rows.
    public var isFull: Bool { rows.count >= minimum }

    public mutating func append(_ row: [Double]) {
        precondition(
            rows.last.map { $0.count == row.count } ?? true,
            "TailAverage.append: got a row of \(row.count), expected \(rows.last?.count ?? 0)")
        if rows.count == maximum { rows.removeFirst() }
        rows.append(row)
        count += 1
    }

    /// Mean of the window; empty before the first row.
    public var mean: [Double] { Self.mean(of: rows.suffix(length)) }

    /// Mean of the window's later half less that of its earlier half: how fast the sequence still moves.
    public var drift: [Double] {
        let half = length / 2
        let early = Self.mean(of: rows.suffix(length).prefix(half))
        let late = Self.mean(of: rows.suffix(half))
        return zip(late, early).map { $0 - $1 }
    }

    /// Standard error of `mean`, from the median size of successive differences in the window.
    ///
    /// For independent noise the differences have a median size of 0.954 σ. A sequence that moves smoothly
    /// has a small one, and the median passes over the few large steps of a run's beginning.
    public var standardError: [Double] {
        let window = Array(rows.suffix(length))
        guard window.count > 1, let first = window.first else { return [] }
        return first.indices.map { i in
            let steps = zip(window.dropFirst(), window).map { abs($0[i] - $1[i]) }.sorted()
            return steps[steps.count / 2] / 0.954 / Double(window.count).squareRoot()
        }
    }

    /// Puts back what `count` and `rows` were.
    public mutating func restore(count: Int, rows: [[Double]]) {
        precondition(
            count >= rows.count && rows.count <= maximum,
            "TailAverage.restore: got \(rows.count) rows of \(count), expected at most \(maximum)")
        self.count = count
        self.rows = rows
    }

    private static func mean(of rows: ArraySlice<[Double]>) -> [Double] {
        guard let first = rows.first else { return [] }
        var sum = [Double](repeating: 0, count: first.count)
        for row in rows {
            for i in sum.indices { sum[i] += row[i] }
        }
        return sum.map { $0 / Double(rows.count) }
    }
}
