import Foundation

/// A small square matrix in double, for closed forms.
package struct Matrix: Sendable {
    package let size: Int
    /// Row-major.
    package var elements: [Double]

    package init(_ rows: [[Double]]) {
        size = rows.count
        elements = rows.flatMap { $0 }
    }

    package static func diagonal(_ values: [Double]) -> Matrix {
        Matrix(values.indices.map { i in values.indices.map { $0 == i ? values[i] : 0 } })
    }

    package subscript(row: Int, column: Int) -> Double {
        get { elements[row * size + column] }
        set { elements[row * size + column] = newValue }
    }

    package func scaled(_ factor: Double) -> Matrix {
        var copy = self
        copy.elements = elements.map { factor * $0 }
        return copy
    }

    package func adding(_ other: Matrix) -> Matrix {
        var copy = self
        copy.elements = zip(elements, other.elements).map { $0 + $1 }
        return copy
    }

    package func adding(identity factor: Double) -> Matrix {
        adding(.diagonal(Array(repeating: factor, count: size)))
    }

    package func times(_ vector: [Double]) -> [Double] {
        (0..<size).map { row in (0..<size).map { self[row, $0] * vector[$0] }.reduce(0, +) }
    }

    package func times(_ other: Matrix) -> Matrix {
        Matrix(
            (0..<size).map { row in
                (0..<size).map { column in (0..<size).map { self[row, $0] * other[$0, column] }.reduce(0, +) }
            })
    }

    package var trace: Double { (0..<size).map { self[$0, $0] }.reduce(0, +) }

    /// Lower triangular L with L Lᵀ = self, which must be symmetric and positive definite.
    package var cholesky: Matrix {
        var factor = Matrix.diagonal(Array(repeating: 0, count: size))
        for i in 0..<size {
            for j in 0...i {
                let known = (0..<j).map { factor[i, $0] * factor[j, $0] }.reduce(0, +)
                factor[i, j] =
                    i == j ? (self[i, i] - known).squareRoot() : (self[i, j] - known) / factor[j, j]
            }
        }
        return factor
    }

    package var logDeterminant: Double {
        let factor = cholesky
        return (0..<size).map { 2 * log(factor[$0, $0]) }.reduce(0, +)
    }

    /// Inverse of a lower triangular matrix.
    package var inverseOfTriangle: Matrix {
        var result = Matrix.diagonal(Array(repeating: 0, count: size))
        for column in 0..<size {
            for i in 0..<size {
                let known = (0..<i).map { self[i, $0] * result[$0, column] }.reduce(0, +)
                result[i, column] = ((i == column ? 1 : 0) - known) / self[i, i]
            }
        }
        return result
    }

    package var transposed: Matrix { Matrix((0..<size).map { row in (0..<size).map { self[$0, row] } }) }

    /// Inverse of a symmetric positive definite matrix.
    package var inverse: Matrix {
        let inverse = cholesky.inverseOfTriangle
        return inverse.transposed.times(inverse)
    }
}
