import Distributed
import Foundation
import Layers
import Models
import TensorCore

/// How a score network is fitted.
struct DenoisingSettings: Sendable, Equatable {
    /// Updates over which the learning rate falls to `finalRate` of its start (half a cosine).
    var steps: Int
    var batch: Int
    var microBatch: Int
    var learningRate: Double
    var finalRate = 0.02
    var warmupSteps = 50
    var weightDecay: Double
    var gradientClip: Double
    /// Decay of the weight average that is used in the end.
    var averageDecay = 0.998

    /// Multiplier of the rate at a share of the way to rest, where the last multipliers are kept.
    static func settlingRate(at progress: Double) -> Double { 0.02 + 0.98 * (1 - progress) }

    /// Learning rate of update `step` (from 0).
    func rate(at step: Int) -> Double {
        let warmup = min(1, Double(step + 1) / Double(warmupSteps))
        let progress = min(1, Double(step) / Double(max(steps, 1)))
        return learningRate * warmup * (finalRate + (1 - finalRate) * 0.5 * (1 + cos(.pi * progress)))
    }
}

/// Denoising score matching of one score network:  min_θ E ‖ε_θ(√ᾱ x_0 + √(1−ᾱ) ε, t) − ε‖².
///
/// Ho et al. 2020, eq. 14. Samples may carry weights: Σ_i λ_i L_i of the mixture's primal step.
final class DenoisingFit: @unchecked Sendable {
    /// Samples x_0 of a micro-batch `[n, d]` and their weights `[n, 1]` (nil for 1).
    typealias Source = @Sendable (_ samples: Range<Int>, _ step: Int) -> (x0: Tensor, weights: Tensor?)

    let network: ScoreNetwork
    let settings: DenoisingSettings
    let optimizer: AdamW
    let average: WeightAverage
    private let parameters: [Parameter]
    private let seed: UInt64
    private let model: Int

    /// - Parameter model: index of the model in the run; gives each its own random streams.
    init(_ network: ScoreNetwork, _ settings: DenoisingSettings, seed: UInt64, model: Int) {
        self.network = network
        self.settings = settings
        self.parameters = network.parameters
        self.seed = seed
        self.model = model
        optimizer = AdamW(
            network.namedParameters,
            .init(weightDecay: settings.weightDecay, gradientClip: settings.gradientClip))
        average = WeightAverage(network.namedParameters, decay: settings.averageDecay)
    }

    /// Updates made so far.
    var step: Int { optimizer.stepCount }

    /// The network with its averaged weights.
    func averaged() -> ScoreNetwork {
        let copy = ScoreNetwork(
            network.mlp.configuration, alphasCumprod: network.alphasCumprod, reference: network.reference,
            key: RandomKey(seed: 0, stream: 0))
        for (parameter, value) in zip(copy.parameters, average.values) { parameter.assign(value.copied()) }
        return copy
    }

    /// One update on one batch; the ranks of `communicator` share its micro-batches.
    ///
    /// - Parameter rate: multiplies the learning rate.
    /// - Returns: the loss, mean over elements.
    @discardableResult
    func update(
        from source: Source, over communicator: any Communicator, rate: Double = 1
    ) throws -> Double {
        let step = self.step
        let work = MicroBatches(samples: settings.batch, size: settings.microBatch)
        let shapes = parameters.map(\.shape)
        let total = try work.sum(over: communicator, arrays: shapes, scalars: 1) { samples in
            let (x0, weights) = source(samples, step)
            return loss(x0, weights, samples, step)
        }
        optimizer.step(total.arrays, learningRate: settings.rate(at: step) * rate)
        average.update()
        return total.scalars[0]
    }

    /// Loss and gradients of one micro-batch.
    private func loss(_ x0: Tensor, _ weights: Tensor?, _ samples: Range<Int>, _ step: Int) -> Contribution {
        let timesteps = stratifiedTimesteps(samples, step)
        let levels = NoiseLevels(alphasCumprod: timesteps.map { network.alphasCumprod[Int($0)] })
        let noise = Tensor.normal(
            x0.shape, key: key(.forwardNoise, step), firstSample: samples.lowerBound)
        let noised = levels.signalScale * x0 + levels.noiseScale * noise
        let error = (network(noised, timesteps: timesteps) - noise).squared()
        let weighted = weights.map { error * $0 } ?? error
        let loss = weighted.sum() / Double(settings.batch * x0.shape[1])
        let gradients = gradients(of: loss)
        let arrays = parameters.map { gradients[$0.value] ?? Tensor.zeros($0.shape) }
        return Contribution(arrays: arrays, scalars: [loss.item])
    }

    /// t = ⌊T (i + u) / batch⌋: every batch covers all noise levels evenly, which takes their share out of the
    /// variance of the gradient.
    private func stratifiedTimesteps(_ samples: Range<Int>, _ step: Int) -> [Int32] {
        let offsets = Tensor.uniform(
            [samples.count], key: key(.timestep, step), firstSample: samples.lowerBound
        ).floats
        let count = network.alphasCumprod.count
        return zip(samples, offsets).map { index, offset in
            let quantile = (Double(index) + Double(offset)) / Double(settings.batch)
            return Int32(min(count - 1, Int(quantile * Double(count))))
        }
    }

    private func key(_ purpose: RandomPurpose, _ step: Int) -> RandomKey {
        purpose.key(seed: seed, model: model, step: step)
    }
}
