/// x with Ax = b by Gaussian elimination with row pivoting; nil for a singular A.
func solve(_ matrix: [[Double]], _ rightSide: [Double]) -> [Double]? {
    var rows = zip(matrix, rightSide).map { $0 + [$1] }
    let count = rows.count
    for column in 0..<count {
        guard let pivot = (column..<count).max(by: { abs(rows[$0][column]) < abs(rows[$1][column]) }),
            abs(rows[pivot][column]) > 1e-13
        else { return nil }
        rows.swapAt(column, pivot)
        for row in 0..<count where row != column {
            let factor = rows[row][column] / rows[column][column]
            for k in column...count { rows[row][k] -= factor * rows[column][k] }
        }
    }
    return rows.indices.map { rows[$0][count] / rows[$0][$0] }
}

func inner(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }

/// All non-empty subsets of 0..<count, small ones first.
func subsets(of count: Int) -> [[Int]] {
    (1..<(1 << count)).map { bits in (0..<count).filter { bits >> $0 & 1 == 1 } }
        .sorted { $0.count < $1.count }
}
