/// M = LLᵀ of a positive definite matrix.
package struct CholeskyFactor {
    private var lower: SquareMatrix

    /// - Parameter matrix: symmetric and positive definite; a pivot lost to rounding is replaced by the
    ///   smallest one that the matrix's size can resolve.
    package init(_ matrix: SquareMatrix) {
        let smallest = max(largestMagnitude(matrix.diagonal) * 1e-15, .leastNormalMagnitude)
        lower = SquareMatrix(zerosOfOrder: matrix.order)
        for j in 0..<matrix.order {
            var pivot = matrix[j, j]
            for k in 0..<j { pivot -= lower[j, k] * lower[j, k] }
            let root = max(pivot, smallest).squareRoot()
            lower[j, j] = root
            for i in stride(from: j + 1, to: matrix.order, by: 1) {
                var entry = matrix[i, j]
                for k in 0..<j { entry -= lower[i, k] * lower[j, k] }
                lower[i, j] = entry / root
            }
        }
    }

    /// x with Mx = b.
    package func solve(_ rightSide: [Double]) -> [Double] {
        var x = rightSide
        for i in x.indices {
            for k in 0..<i { x[i] -= lower[i, k] * x[k] }
            x[i] /= lower[i, i]
        }
        for i in x.indices.reversed() {
            for k in stride(from: i + 1, to: x.count, by: 1) { x[i] -= lower[k, i] * x[k] }
            x[i] /= lower[i, i]
        }
        return x
    }
}
