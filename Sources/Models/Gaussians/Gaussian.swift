import Foundation
import TensorCore

/// N(m, S) in double precision.
public struct Gaussian: Sendable, Equatable {
    public let mean: [Double]
    public let covariance: SymmetricMatrix

    public var dimension: Int { mean.count }

    /// - Returns: nil unless the covariance is a positive definite d×d matrix.
    public init?(mean: [Double], covariance: [Double]) {
        guard covariance.count == mean.count * mean.count,
            let matrix = SymmetricMatrix(covariance, dimension: mean.count),
            matrix.eigenvalues.allSatisfy({ $0 > 0 })
        else { return nil }
        self.mean = mean
        self.covariance = matrix
    }

    public init(mean: [Double], covariance: SymmetricMatrix) {
        self.mean = mean
        self.covariance = covariance
    }

    /// H = ½ log det(2πe S), in nats.
    public var entropy: Double {
        0.5 * (Double(dimension) * log(2 * Double.pi * M_E) + covariance.logDeterminant)
    }

    /// KL(self‖other) in nats.
    public func divergence(from other: Gaussian) -> Double {
        let precision = other.covariance.applying { 1 / $0 }
        let shift = zip(mean, other.mean).map { $0 - $1 }
        let trace = zip(precision.elements, covariance.elements).reduce(0) { $0 + $1.0 * $1.1 }
        let distance = zip(shift, precision.times(shift)).reduce(0) { $0 + $1.0 * $1.1 }
        return 0.5
            * (trace + distance - Double(dimension) + other.covariance.logDeterminant
                - covariance.logDeterminant)
    }

    /// Π N(m_i, S_i)^{λ_i}, normalised: S⁻¹ = Σ λ_i S_i⁻¹, m = S Σ λ_i S_i⁻¹ m_i  (λ on the simplex).
    ///
    /// - Returns: nil if the combined precision is not positive definite.
    public static func product(_ factors: [Gaussian], weights: [Double]) -> Gaussian? {
        guard let first = factors.first else { return nil }
        var precision = [Double](repeating: 0, count: first.dimension * first.dimension)
        var information = [Double](repeating: 0, count: first.dimension)
        for (factor, weight) in zip(factors, weights) {
            let inverse = factor.covariance.applying { 1 / $0 }
            precision = zip(precision, inverse.elements).map { $0 + weight * $1 }
            information = zip(information, inverse.times(factor.mean)).map { $0 + weight * $1 }
        }
        guard let matrix = SymmetricMatrix(precision, dimension: first.dimension),
            matrix.eigenvalues.allSatisfy({ $0 > 0 })
        else { return nil }
        let covariance = matrix.applying { 1 / $0 }
        return Gaussian(mean: covariance.times(information), covariance: covariance)
    }

    /// Samples m + S^½ z for consecutive sample indices.
    public func samples(_ range: Range<Int>, key: RandomKey) -> Tensor {
        let z = Tensor.normal([range.count, dimension], key: key, firstSample: range.lowerBound)
        let root = Tensor(covariance.applying { $0.squareRoot() }.elements, shape: [dimension, dimension])
        return matmul(z, root.cast(to: .float32)) + Tensor(mean, shape: [dimension]).cast(to: .float32)
    }
}
