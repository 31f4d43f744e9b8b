/// A matrix with few entries a row, next to each other: resizing and blurring along one axis of an image.
///
/// Held on the host. The transpose is banded too, so one kernel serves an operation and its adjoint.
public struct BandedMatrix: Sendable, Equatable {
    public let rows: Int
    public let columns: Int
    /// Column of each row's first weight.
    package let starts: [Int32]
    /// Where each row's weights begin in `weights`; one more than there are rows.
    package let offsets: [Int32]
    package let weights: [Double]

    /// - Parameter bands: for each row the column of its first weight, and its weights.
    public init(columns: Int, bands: [(start: Int, weights: [Double])]) {
        for (row, band) in bands.enumerated() {
            precondition(
                band.start >= 0 && band.start + band.weights.count <= columns,
                "BandedMatrix: row \(row) takes columns \(band.start)..<\(band.start + band.weights.count), "
                    + "expected them within 0..<\(columns)")
        }
        rows = bands.count
        self.columns = columns
        starts = bands.map { Int32($0.start) }
        offsets = bands.reduce(into: [0]) { $0.append($0[$0.count - 1] + Int32($1.weights.count)) }
        weights = bands.flatMap(\.weights)
    }

    /// Some of the rows: a part of the result is all that is computed; rows that the matrix has not are 0.
    public func rows(_ range: Range<Int>) -> BandedMatrix {
        BandedMatrix(columns: columns, bands: range.map { (0..<rows).contains($0) ? band($0) : (0, []) })
    }

    /// Aᵀ.
    public var transposed: BandedMatrix {
        var entries = [[(row: Int, weight: Double)]](repeating: [], count: columns)
        for row in 0..<rows {
            let band = band(row)
            for (offset, weight) in band.weights.enumerated() {
                entries[band.start + offset].append((row, weight))
            }
        }
        return BandedMatrix(columns: rows, bands: entries.map(Self.band))
    }

    private func band(_ row: Int) -> (start: Int, weights: [Double]) {
        (Int(starts[row]), Array(weights[Int(offsets[row])..<Int(offsets[row + 1])]))
    }

    /// Entries of one row, in any order and with repeated columns added up, as a band.
    static func band(_ entries: [(row: Int, weight: Double)]) -> (start: Int, weights: [Double]) {
        let places = entries.map(\.row)
        guard let first = places.min(), let last = places.max() else { return (0, []) }
        var weights = [Double](repeating: 0, count: last - first + 1)
        for (place, weight) in entries { weights[place - first] += weight }
        return (first, weights)
    }
}
