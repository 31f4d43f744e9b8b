import Rewards
import TensorCore

/// Sums over samples from which rewards, their covariance and the divergence follow.
struct AlignmentMeasurement: Sendable {
    /// E r_i in the units of the thresholds.
    let rewards: [Double]
    /// Cov(r_i, r_j), row-major.
    let covariance: [Double]
    /// Path-wise KL from the base in nats.
    let divergence: Double

    /// Scalars a micro-batch contributes: Σ r_i, Σ r_i r_j, Σ KL.
    static func scalars(_ rewards: [[Double]], _ divergences: Tensor) -> [Double] {
        let sums = rewards.map { $0.reduce(0, +) }
        let products = rewards.flatMap { left in
            rewards.map { right in zip(left, right).reduce(0) { $0 + $1.0 * $1.1 } }
        }
        return sums + products + [divergences.doubles.reduce(0, +)]
    }

    static func scalarCount(rewards m: Int) -> Int { m + m * m + 1 }

    init(sums: [Double], rewards m: Int, samples: Int, scales: [RewardScale]) {
        let n = Double(samples)
        let means = sums[..<m].map { $0 / n }
        rewards = zip(scales, means).map { $0.normalized($1) }
        covariance = (0..<m * m).map { index in
            let (i, j) = (index / m, index % m)
            let raw = sums[m + index] / n - means[i] * means[j]
            return raw / (scales[i].deviation * scales[j].deviation)
        }
        divergence = sums[m + m * m] / n
    }
}
