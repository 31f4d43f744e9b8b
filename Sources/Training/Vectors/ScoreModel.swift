import Diffusion
import Models
import TensorCore

/// A model on vectors as samplers and divergences see it: its noise prediction.
enum ScoreModel: Sendable {
    /// Exact scores; ᾱ of every training time step.
    case exact(GaussianMixture, alphasCumprod: [Double])
    /// A fitted network with its weights as they are.
    case network(ScoreEvaluator)

    func callAsFunction(_ x: Tensor, _ timesteps: Timesteps) -> Tensor {
        switch (self, timesteps) {
        case (.exact(let mixture, let alphas), .all(let t)):
            mixture.noisePrediction(x, NoiseLevels(alphasCumprod: [alphas[t]]))
        case (.exact(let mixture, let alphas), .each(let ts)):
            mixture.noisePrediction(x, NoiseLevels(alphasCumprod: ts.map { alphas[Int($0)] }))
        case (.network(let evaluator), .all(let t)):
            evaluator(x, timestep: t)
        case (.network(let evaluator), .each(let ts)):
            evaluator(x, timesteps: ts)
        }
    }

    /// Samples along the probability flow for consecutive sample indices, `[range.count, d]`.
    ///
    /// - Parameter isMirrored: see `SampleNoise`.
    func flowSamples(
        _ range: Range<Int>, schedule: NoiseSchedule, dimension: Int, key: RandomKey, isMirrored: Bool = false
    ) throws -> Tensor {
        let noise = SampleNoise(key, firstSample: range.lowerBound, isMirrored: isMirrored)
        return try withoutRecording {
            try flowSample(
                from: noise.normal(0, like: .zeros([range.count, dimension])), schedule: schedule,
                timesteps: schedule.timestepsEvenInLogNoise(count: Self.flowSteps)
            ) { self($0, $1) }
        }
    }

    private static let flowSteps = 50
}
