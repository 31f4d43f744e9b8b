/// M = U diag(w) Uᵀ of a symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan, §8.5).
package struct SymmetricEigen {
    package private(set) var values: [Double]
    /// U, one eigenvector per column.
    package private(set) var vectors: SquareMatrix

    /// Jacobi converges quadratically; six to ten sweeps do for the orders met here.
    private static let sweepLimit = 50

    /// - Parameter matrix: only its symmetric part counts.
    package init(_ matrix: SquareMatrix) {
        let order = matrix.order
        var work = matrix
        for i in 0..<order {
            for j in 0..<order { work[i, j] = 0.5 * (matrix[i, j] + matrix[j, i]) }
        }
        vectors = SquareMatrix(diagonal: [Double](repeating: 1, count: order))
        values = []
        for _ in 0..<Self.sweepLimit where !Self.isDiagonal(work) {
            for p in 0..<order {
                for q in stride(from: p + 1, to: order, by: 1) { rotate(&work, p, q) }
            }
        }
        values = work.diagonal
    }

    /// U diag(f(w)) Uᵀ.
    package func rebuilt(_ transform: (Double) -> Double) -> SquareMatrix {
        let order = values.count
        let mapped = values.map(transform)
        var result = SquareMatrix(zerosOfOrder: order)
        for i in 0..<order {
            for j in 0...i {
                var sum = 0.0
                for k in 0..<order { sum += vectors[i, k] * mapped[k] * vectors[j, k] }
                result[i, j] = sum
                result[j, i] = sum
            }
        }
        return result
    }

    /// UᵀMU.
    func rotatedIn(_ matrix: SquareMatrix) -> SquareMatrix { conjugated(matrix) { self.vectors[$0, $1] } }

    /// UMUᵀ.
    func rotatedOut(_ matrix: SquareMatrix) -> SquareMatrix { conjugated(matrix) { self.vectors[$1, $0] } }

    /// VᵀMV with V given by its entries.
    private func conjugated(
        _ matrix: SquareMatrix, _ basis: (Int, Int) -> Double
    ) -> SquareMatrix {
        let order = matrix.order
        var half = SquareMatrix(zerosOfOrder: order)
        var result = half
        for i in 0..<order {
            for j in 0..<order {
                for k in 0..<order { half[i, j] += matrix[i, k] * basis(k, j) }
            }
        }
        for i in 0..<order {
            for j in 0..<order {
                for k in 0..<order { result[i, j] += basis(k, i) * half[k, j] }
            }
        }
        return result
    }

    private static func isDiagonal(_ matrix: SquareMatrix) -> Bool {
        let size = largestMagnitude(matrix.values)
        for i in 0..<matrix.order {
            for j in 0..<i where abs(matrix[i, j]) > 1e-16 * size { return false }
        }
        return true
    }

    /// Annihilates the entry (p, q): tan θ = t is the smaller root of t² + 2t·cot 2θ − 1 = 0.
    private mutating func rotate(_ work: inout SquareMatrix, _ p: Int, _ q: Int) {
        let entry = work[p, q]
        guard entry != 0 else { return }
        let cotangent = (work[q, q] - work[p, p]) / (2 * entry)
        let tangent = (cotangent < 0 ? -1 : 1) / (abs(cotangent) + (1 + cotangent * cotangent).squareRoot())
        let cosine = 1 / (1 + tangent * tangent).squareRoot()
        let sine = tangent * cosine
        for k in 0..<work.order {
            let (kp, kq) = (work[k, p], work[k, q])
            work[k, p] = cosine * kp - sine * kq
            work[k, q] = sine * kp + cosine * kq
        }
        for k in 0..<work.order {
            let (pk, qk) = (work[p, k], work[q, k])
            work[p, k] = cosine * pk - sine * qk
            work[q, k] = sine * pk + cosine * qk
            let (kp, kq) = (vectors[k, p], vectors[k, q])
            vectors[k, p] = cosine * kp - sine * kq
            vectors[k, q] = sine * kp + cosine * kq
        }
        work[p, q] = 0
        work[q, p] = 0
    }
}
