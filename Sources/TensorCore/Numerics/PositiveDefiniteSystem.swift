import COpenBLAS

/// X with A·X = B for a symmetric positive definite A, in double precision on the host.
///
/// - Parameters:
///   - matrix: A, row-major `[n, n]`.
///   - right: B, row-major `[n, columns]`.
/// - Returns: X, row-major `[n, columns]`; nil where LAPACK's `dposv` finds A not positive definite.
public func solvePositiveDefinite(_ matrix: [Double], _ right: [Double], order n: Int) -> [Double]? {
    let columns = right.count / max(n, 1)
    precondition(
        matrix.count == n * n && right.count == n * columns,
        "solvePositiveDefinite: \(matrix.count) and \(right.count) elements are no system of order \(n)")
    var (factor, solution) = (matrix, transposed(right, rows: n, columns: columns))
    var (size, count, status) = (Int32(n), Int32(columns), Int32(0))
    dposv_("U", &size, &count, &factor, &size, &solution, &size, &status)
    return status == 0 ? transposed(solution, rows: columns, columns: n) : nil
}

/// LAPACK counts columns first.
private func transposed(_ elements: [Double], rows: Int, columns: Int) -> [Double] {
    (0..<elements.count).map { elements[$0 % rows * columns + $0 / rows] }
}
