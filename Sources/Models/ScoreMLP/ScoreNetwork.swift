import Foundation
import Layers
import TensorCore

/// A score model on vectors: the exact noise prediction of a Gaussian with the data's mean and covariance, plus
/// what the residual MLP adds.
///
/// ε_θ(x, t) = ε_G(x, t) + w_t · MLP(x̂, t),  x̂ = (x − √ᾱ m) / √(ᾱ s² + 1 − ᾱ),
/// w_t = γ / √(γ² + s_min²) · s_max / √(γ² + s_max²),  γ = √((1−ᾱ)/ᾱ),
/// with s², s_min², s_max² the mean, smallest and largest variance. Far from the data, where a product of models
/// must still be compared with each of them, a bare network extrapolates arbitrarily; this one falls back to the
/// Gaussian. w_t bounds the correction by the size it can have: it vanishes as γ at small noise, and at large
/// noise, where every distribution looks Gaussian. So the noise of training does not leak into divergences, which
/// weigh all log γ alike. `docs/models-on-vectors.md` has the figures.
public final class ScoreNetwork: Module, @unchecked Sendable {
    public let mlp: ScoreMLP
    /// ᾱ of every training time step.
    public let alphasCumprod: [Double]
    /// The Gaussian the network corrects.
    public var reference: Gaussian {
        didSet { preconditioner = Preconditioner(reference) }
    }
    private var preconditioner: Preconditioner

    public init(
        _ configuration: ScoreMLPConfiguration, alphasCumprod: [Double], reference: Gaussian, key: RandomKey
    ) {
        precondition(
            alphasCumprod.count == configuration.timesteps && reference.dimension == configuration.dimension,
            "ScoreNetwork: \(alphasCumprod.count) noise levels for \(configuration.timesteps) time steps, "
                + "reference of dimension \(reference.dimension) for \(configuration.dimension)")
        self.mlp = ScoreMLP(configuration, key: key)
        self.alphasCumprod = alphasCumprod
        self.reference = reference
        self.preconditioner = Preconditioner(reference)
    }

    public var namedParameters: [NamedParameter] { mlp.namedParameters }

    /// The network with its weights as they are now; under recording, gradients flow back to them.
    public func evaluator() -> ScoreEvaluator {
        ScoreEvaluator(network: preconditioned, table: mlp.timeTable())
    }

    /// ε_θ(x, t) with a time step for each row, evaluated once: a training step.  Shapes: x `[N, d]`, timesteps N.
    public func callAsFunction(_ x: Tensor, timesteps: [Int32]) -> Tensor {
        preconditioned(x, timesteps, mlp.timeConditioning(timesteps))
    }

    private var preconditioned: PreconditionedMLP {
        PreconditionedMLP(mlp: mlp, preconditioner: preconditioner, alphasCumprod: alphasCumprod)
    }
}

/// A score network ready to be evaluated many times between two updates.
public struct ScoreEvaluator: Sendable {
    fileprivate let network: PreconditionedMLP
    fileprivate let table: TimeTable

    /// ε_θ(x, t) with one time step for all rows.  Shapes: x `[N, d]`.
    public func callAsFunction(_ x: Tensor, timestep: Int) -> Tensor {
        network(x, [Int32(timestep)], table.all(timestep))
    }

    /// ε_θ(x, t) with a time step for each row.  Shapes: x `[N, d]`, timesteps N.
    public func callAsFunction(_ x: Tensor, timesteps: [Int32]) -> Tensor {
        network(x, timesteps, table.each(Tensor(indices: timesteps, on: x.device)))
    }
}

extension ScoreEvaluator {
    /// ε_G and what the MLP adds to it.  Shapes: x `[N, d]`, timesteps N, both results `[N, d]`.
    public func parts(_ x: Tensor, timesteps: [Int32]) -> (gaussian: Tensor, correction: Tensor) {
        network.parts(x, timesteps, table.each(Tensor(indices: timesteps, on: x.device)))
    }
}

/// The sum of the Gaussian's prediction and the scaled MLP.
private struct PreconditionedMLP: Sendable {
    let mlp: ScoreMLP
    let preconditioner: Preconditioner
    let alphasCumprod: [Double]

    /// - Parameter timesteps: of each row, or one for all.
    func callAsFunction(_ x: Tensor, _ timesteps: [Int32], _ time: TimeConditioning) -> Tensor {
        let (gaussian, correction) = parts(x, timesteps, time)
        return gaussian + correction
    }

    func parts(
        _ x: Tensor, _ timesteps: [Int32], _ time: TimeConditioning
    ) -> (gaussian: Tensor, correction: Tensor) {
        let alphas = timesteps.map { alphasCumprod[Int($0)] }
        let levels = NoiseLevels(alphasCumprod: alphas)
        let normalized = preconditioner.normalized(x, levels, alphas)
        let correction = mlp(normalized, time) * preconditioner.outputScale(alphas)
        return (preconditioner.denoiser.noisePrediction(x, levels), correction)
    }
}

/// Input and output scaling around the MLP.
private struct Preconditioner: Sendable {
    let denoiser: GaussianDenoiser
    private let mean: Tensor
    private let variance: Double
    private let smallestVariance: Double
    private let largestVariance: Double

    init(_ reference: Gaussian) {
        denoiser = GaussianDenoiser(reference)
        mean = Tensor(reference.mean, shape: [1, reference.dimension]).cast(to: .float32)
        let eigenvalues = reference.covariance.eigenvalues
        variance = eigenvalues.reduce(0, +) / Double(eigenvalues.count)
        smallestVariance = eigenvalues.min() ?? 1
        largestVariance = eigenvalues.max() ?? 1
    }

    func normalized(_ x: Tensor, _ levels: NoiseLevels, _ alphas: [Double]) -> Tensor {
        let scale = alphas.map { Float(1 / ($0 * variance + 1 - $0).squareRoot()) }
        return (x - levels.signalScale * mean) * Tensor(scale, shape: [alphas.count, 1])
    }

    func outputScale(_ alphas: [Double]) -> Tensor {
        let scale = alphas.map { alpha in
            let squaredGamma = (1 - alpha) / alpha
            let smallNoise = squaredGamma / (squaredGamma + smallestVariance)
            let largeNoise = largestVariance / (squaredGamma + largestVariance)
            return Float((smallNoise * largeNoise).squareRoot())
        }
        return Tensor(scale, shape: [alphas.count, 1])
    }
}
