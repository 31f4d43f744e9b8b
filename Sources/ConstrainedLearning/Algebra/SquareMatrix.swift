/// A small dense matrix, row-major: one row and column per constraint.
public struct SquareMatrix: Sendable, Equatable {
    public let order: Int
    public private(set) var values: [Double]

    public init(order: Int, values: [Double]) {
        precondition(
            values.count == order * order,
            "SquareMatrix: got \(values.count) values, expected \(order)×\(order)")
        self.order = order
        self.values = values
    }

    public init(zerosOfOrder order: Int) {
        self.init(order: order, values: [Double](repeating: 0, count: order * order))
    }

    public init(diagonal: [Double]) {
        self.init(zerosOfOrder: diagonal.count)
        for i in diagonal.indices { self[i, i] = diagonal[i] }
    }

    public subscript(row: Int, column: Int) -> Double {
        get { values[row * order + column] }
        set { values[row * order + column] = newValue }
    }

    public var diagonal: [Double] { (0..<order).map { self[$0, $0] } }

    public var trace: Double { diagonal.reduce(0, +) }

    public var isFinite: Bool { values.allSatisfy(\.isFinite) }

    public func times(_ vector: [Double]) -> [Double] {
        (0..<order).map { row in
            var sum = 0.0
            for column in 0..<order { sum += self[row, column] * vector[column] }
            return sum
        }
    }

    /// xᵀMy.
    func form(_ x: [Double], _ y: [Double]) -> Double { dot(x, times(y)) }

    /// diag(r) M diag(c).
    func scaled(rows: [Double], columns: [Double]) -> SquareMatrix {
        mapEntries { $2 * rows[$0] * columns[$1] }
    }

    /// PMP with P = I − 11ᵀ/m, the restriction to directions that keep Σλ.
    var centered: SquareMatrix {
        let rowMeans = times([Double](repeating: 1 / Double(order), count: order))
        var columnMeans = [Double](repeating: 0, count: order)
        for (index, value) in values.enumerated() { columnMeans[index % order] += value / Double(order) }
        let mean = rowMeans.reduce(0, +) / Double(order)
        return mapEntries { $2 - rowMeans[$0] - columnMeans[$1] + mean }
    }

    /// decay·M + weight·x yᵀ.
    func decayed(by decay: Double, adding weight: Double, _ x: [Double], _ y: [Double]) -> SquareMatrix {
        mapEntries { decay * $2 + weight * x[$0] * y[$1] }
    }

    private func mapEntries(_ transform: (_ row: Int, _ column: Int, Double) -> Double) -> SquareMatrix {
        var result = self
        for row in 0..<order {
            for column in 0..<order { result[row, column] = transform(row, column, self[row, column]) }
        }
        return result
    }
}

func dot(_ x: [Double], _ y: [Double]) -> Double {
    var sum = 0.0
    for i in x.indices { sum += x[i] * y[i] }
    return sum
}

func largestMagnitude(_ x: [Double]) -> Double {
    x.reduce(0) { max($0, abs($1)) }
}

func multiply(_ x: [Double], _ y: [Double]) -> [Double] { zip(x, y).map { $0 * $1 } }

func subtract(_ x: [Double], _ y: [Double]) -> [Double] { zip(x, y).map { $0 - $1 } }
