import Diffusion
import Distributed
import Models
import TensorCore

/// How much of a fitted correction fresh samples confirm.
///
/// The network predicts ε_G + r, r what the MLP adds. The multiple of r that fits best,
///
///     α = argmin E ‖ε_G + α r − ε‖² = E ⟨r, ε − ε_G⟩ / E ‖r‖²,
///
/// is 1 for a correction that is all signal and 0 for one that is all noise of training, as that of a Gaussian's
/// network is (James–Stein shrinkage). Without it the noise costs the divergences of three overlapping Gaussians 3 %,
/// and their multipliers twice that.
struct Shrinkage {
    /// Samples that α is measured on.
    static let samples = 65_536
    let seed: UInt64
    let model: Int

    /// α in [0, 1] of `network`, over all ranks.
    ///
    /// - Parameter source: x_0 for global sample indices; other draws than those of the fit.
    func factor(
        of network: ScoreNetwork, _ source: @Sendable (Range<Int>) -> Tensor,
        over communicator: any Communicator
    ) throws -> Double {
        let evaluator = network.evaluator()
        let total = try MicroBatches(samples: Self.samples, size: 512).sum(over: communicator, scalars: 2) {
            samples in
            withoutRecording { products(of: evaluator, network.alphasCumprod, source(samples), samples) }
        }
        let (confirmed, size) = (total.scalars[0], total.scalars[1])
        return size > 0 ? min(1, max(0, confirmed / size)) : 1
    }

    /// Σ ⟨r, ε − ε_G⟩ and Σ ‖r‖² of a micro-batch whose time steps cover the schedule evenly.
    private func products(
        of evaluator: ScoreEvaluator, _ alphasCumprod: [Double], _ x0: Tensor, _ samples: Range<Int>
    ) -> Contribution {
        let noise = SampleNoise(
            RandomPurpose.evaluationNoise.key(seed: seed, model: model, step: 2),
            firstSample: samples.lowerBound
        ).normal(0, like: x0)
        let timesteps = samples.map { Int32($0 % alphasCumprod.count) }
        let levels = NoiseLevels(alphasCumprod: timesteps.map { alphasCumprod[Int($0)] })
        let (gaussian, correction) = evaluator.parts(
            levels.signalScale * x0 + levels.noiseScale * noise, timesteps: timesteps)
        return Contribution(scalars: [
            (correction * (noise - gaussian)).sum().item, correction.squared().sum().item,
        ])
    }
}
