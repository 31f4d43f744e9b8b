import Foundation
import TensorCore

extension LogNoiseQuadrature {
    /// Sum over samples of q of the cross-entropy −E_q log p in nats; with p = q, of the entropy H(q).
    ///
    /// From the Gaussian at γ_max down: (d/2) log(2πe γ_max²) + moments − ∫ (d − E‖ε_p − ε‖²) d(log γ)
    /// (`docs/divergences.md`). The samples carry the noise ε that p is to predict, so an error of ε_p enters in
    /// the second order only: the result is at least the true entropy. Needs γ_max ≫ the spread of the data and
    /// γ_1² ≪ the smallest variance. Sums of parts of a batch add up; divide by the number of samples.
    ///
    /// - Parameters:
    ///   - samples: x_0 of q, `[N, …]`.
    ///   - spread: E_q ‖x_0 − E_p x_0‖², known or estimated; the trace of the covariance where p = q.
    ///   - noise, stride: as for `divergenceSums`.
    ///   - p: ε_p, the true score of p's noised distributions.
    public func crossEntropySum(
        of samples: Tensor, spread: Double, noise: SampleNoise, stride: Int = 1, p: NoisePredictor
    ) throws -> Double {
        let dimension = Double(samples.elementCount / max(samples.shape[0], 1))
        var sum = Double(samples.shape[0]) * gaussianEntropy(dimension: dimension, spread: spread)
        try withoutRecording {
            try forEachPass(samples.detached, noise: noise, stride: stride) { pass in
                let residual = try p(pass.x, pass.timesteps) - pass.noise
                let residuals = residual.squaredNorms().doubles
                let noises = pass.noise.squaredNorms().doubles
                for (s, node) in pass.nodes.enumerated() {
                    // ‖ε‖² has mean d: in its place it takes the noise of ‖ε_p − ε‖² out where little is
                    // predicted (γ² ≪ variance), the constant d where nearly all is.
                    let variance = spread / dimension
                    let share = variance / (variance + node.noiseToSignal * node.noiseToSignal)
                    let predicted = share * noises[s] + (1 - share) * dimension - residuals[s]
                    sum -= pass.multiplicity[s] * node.weight * predicted
                }
            }
        }
        return sum
    }

    /// Cross-entropy at the highest node, where x_0 + γ ε is Gaussian but for its spread.
    private func gaussianEntropy(dimension: Double, spread: Double) -> Double {
        let gamma = nodes[nodes.count - 1].noiseToSignal
        let variance = gamma * gamma + spread / dimension
        return dimension / 2 * log(2 * .pi * M_E * variance)
    }
}
