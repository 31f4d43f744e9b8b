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
}
