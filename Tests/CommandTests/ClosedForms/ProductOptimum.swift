import Foundation
import TestSupport

/// min_p max_i KL(p‖q_i) for Gaussians: p_λ ∝ Π q_i^{λ_i}, and λ maximises D(λ) = Σ λ_i KL(p_λ‖q_i) on the simplex.
struct ProductOptimum {
    private(set) var multipliers: [Double]
    private(set) var divergences: [Double]
    private(set) var product: Normal

    var bound: Double { divergences.max() ?? 0 }

    /// Exponentiated gradient ascent, certified by the duality gap.
    init(of factors: [Normal], gap: Double = 1e-7) {
        multipliers = factors.map { _ in 1 / Double(factors.count) }
        product = Self.product(factors, multipliers)
        divergences = factors.map(product.divergence)
        while bound - zip(multipliers, divergences).reduce(0, { $0 + $1.0 * $1.1 }) > gap {
            let bound = bound
            let grown = zip(multipliers, divergences).map { $0 * exp(0.3 * ($1 - bound) / max(bound, 1)) }
            multipliers = grown.map { $0 / grown.reduce(0, +) }
            product = Self.product(factors, multipliers)
            divergences = factors.map(product.divergence)
        }
    }

    /// S⁻¹ = Σ λ_i S_i⁻¹, m = S Σ λ_i S_i⁻¹ m_i.
    private static func product(_ factors: [Normal], _ weights: [Double]) -> Normal {
        var precision = Matrix.diagonal(factors[0].mean.map { _ in 0 })
        var information = factors[0].mean.map { _ in 0.0 }
        for (factor, weight) in zip(factors, weights) {
            let weighted = factor.covariance.inverse.scaled(weight)
            precision = precision.adding(weighted)
            information = zip(information, weighted.times(factor.mean)).map { $0 + $1 }
        }
        var product = factors[0]
        product.covariance = precision.inverse
        product.mean = product.covariance.times(information)
        return product
    }
}

extension Normal {
    /// KL(self‖other) in nats.
    func divergence(from other: Normal) -> Double {
        let precision = other.covariance.inverse
        let shift = zip(mean, other.mean).map { $0 - $1 }
        let distance = zip(shift, precision.times(shift)).reduce(0) { $0 + $1.0 * $1.1 }
        let trace = precision.times(covariance).trace
        let logarithms = other.covariance.logDeterminant - covariance.logDeterminant
        return (trace + distance - Double(mean.count) + logarithms) / 2
    }

    /// H = ½ log det(2πe S) in nats.
    var entropy: Double { (Double(mean.count) * log(2 * .pi * M_E) + covariance.logDeterminant) / 2 }
}
