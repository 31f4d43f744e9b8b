import Diffusion
import Distributed
import TensorCore

/// How many samples divergences are measured on, and how many noise levels each of them visits.
struct DivergenceWork: Sendable {
    var batches: MicroBatches
    /// Every `stride`-th node of the quadrature per pair of samples.
    var stride: Int
    /// Called after each micro-batch of this rank, from any thread.
    var onBatch: @Sendable () -> Void = {}

    /// KL(p‖q_i) for several i by Lemma 2, averaged over samples of p drawn by `samples`.
    func divergences(
        _ quadrature: LogNoiseQuadrature, noise: RandomKey, p: ScoreModel, models: ModelShards,
        samples: @Sendable (Range<Int>) throws -> Tensor
    ) throws -> [Double] {
        let total = try batches.sum(
            over: models.communicator, shards: models.layout.shards, scalars: models.count
        ) { range in
            let drawn = SampleNoise(noise, firstSample: range.lowerBound, isMirrored: true)
            let sums = try quadrature.divergenceSums(of: samples(range), noise: drawn, stride: stride) {
                (p: p($0, $1), models: try models.noises($0, $1))
            }
            onBatch()
            return Contribution(scalars: sums)
        }
        return total.scalars.map { $0 / Double(batches.samples) }
    }
}

/// The measurements of a composition.
struct CompositionWork: Sendable {
    /// In every iteration.
    var training: DivergenceWork
    /// Of the result.
    var evaluation: DivergenceWork
    /// Of equal weights, which the result is compared with.
    var comparison: DivergenceWork
}
