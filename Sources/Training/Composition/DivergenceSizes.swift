import Diffusion
import Distributed
import TensorCore

/// How many samples divergences are measured on, and how many noise levels each of them visits.
struct DivergenceSizes: Sendable {
    /// During training, every iteration.
    var training: MicroBatches
    /// At the end.
    var evaluation: MicroBatches
    /// Every `stride`-th node of the quadrature per sample.
    var stride: Int

    /// KL(p‖q_i) for several i by Lemma 2, averaged over samples of p drawn by `samples`.
    func divergences(
        _ work: MicroBatches, _ quadrature: LogNoiseQuadrature, noise: RandomKey, p: ScoreModel,
        models: ModelShards, samples: @Sendable (Range<Int>) throws -> Tensor
    ) throws -> [Double] {
        let total = try work.sum(
            over: models.communicator, shards: models.layout.shards, scalars: models.count
        ) { range in
            let drawn = SampleNoise(noise, firstSample: range.lowerBound)
            let sums = try quadrature.divergenceSums(of: samples(range), noise: drawn, stride: stride) {
                (p: p($0, $1), models: try models.noises($0, $1))
            }
            return Contribution(scalars: sums)
        }
        return total.scalars.map { $0 / Double(work.samples) }
    }
}
