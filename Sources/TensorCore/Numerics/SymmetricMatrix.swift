import COpenBLAS
import Foundation

/// A small symmetric matrix in double precision on the host, by its eigenvalues and eigenvectors.
///
/// Covariances are used through functions of their eigenvalues (inverse, square root, noised inverse), so this is
/// the form they are kept in.
public struct SymmetricMatrix: Sendable, Equatable {
    public let dimension: Int
    /// Ascending.
    public let eigenvalues: [Double]
    /// Row k is the unit eigenvector of eigenvalue k; row-major `[d, d]`.
    public let eigenvectors: [Double]

    /// Decomposes a symmetric row-major matrix.
    ///
    /// - Returns: nil if the elements are not finite or LAPACK's `dsyev` does not converge.
    public init?(_ elements: [Double], dimension: Int) {
        precondition(
            elements.count == dimension * dimension,
            "SymmetricMatrix: \(elements.count) elements do not fill \(dimension)×\(dimension)")
        guard elements.allSatisfy(\.isFinite) else { return nil }
        var vectors = elements
        var values = [Double](repeating: 0, count: dimension)
        var (size, status, workCount) = (Int32(dimension), Int32(0), Int32(max(1, 34 * dimension)))
        var work = [Double](repeating: 0, count: Int(workCount))
        dsyev_("V", "U", &size, &vectors, &size, &values, &work, &workCount, &status)
        guard status == 0 else { return nil }
        self.dimension = dimension
        self.eigenvalues = values
        self.eigenvectors = vectors
    }

    init(dimension: Int, eigenvalues: [Double], eigenvectors: [Double]) {
        self.dimension = dimension
        self.eigenvalues = eigenvalues
        self.eigenvectors = eigenvectors
    }

    /// f(M) = Σ_k f(μ_k) v_k v_kᵀ.
    public func applying(_ function: (Double) -> Double) -> SymmetricMatrix {
        SymmetricMatrix(
            dimension: dimension, eigenvalues: eigenvalues.map(function), eigenvectors: eigenvectors)
    }

    /// Row-major elements.
    public var elements: [Double] {
        var result = [Double](repeating: 0, count: dimension * dimension)
        for (k, value) in eigenvalues.enumerated() {
            for i in 0..<dimension {
                let scaled = value * eigenvectors[k * dimension + i]
                for j in 0..<dimension {
                    result[i * dimension + j] += scaled * eigenvectors[k * dimension + j]
                }
            }
        }
        return result
    }

    public var logDeterminant: Double { eigenvalues.reduce(0) { $0 + log($1) } }

    /// M·v.
    public func times(_ vector: [Double]) -> [Double] {
        let elements = self.elements
        return (0..<dimension).map { i in
            (0..<dimension).reduce(0) { $0 + elements[i * dimension + $1] * vector[$1] }
        }
    }
}
