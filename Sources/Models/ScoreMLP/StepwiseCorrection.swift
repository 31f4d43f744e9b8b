import Layers
import TensorCore

/// What alignment adds to a frozen base on vectors: an affine map of the state for every sampler step.
///
/// The adapted prediction of step i is ε = ε_base + (σ_i/|c_i|) u_i, with c_i, σ_i of the DDIM step and u_i = z W_i of
/// the features z = (x̂, 1), x̂ the whitened state. In these units the path-wise divergence of Lemma 1 is
/// Σ_i E ½‖u_i‖² whatever the schedule, and its Hessian in W_i is E zᵀz: a natural gradient step of order one
/// converges in a few iterations. Under linear rewards and a Gaussian base the optimum does not depend on the state,
/// so z = 1 suffices; all else needs slopes. It starts at zero, where the model is the base.
public final class StepwiseCorrection: Module {
    /// W_i, each `[features, d]`; the last row is the shift.
    private let maps: [Parameter]
    /// The Gaussian that whitens the state.
    public let reference: Gaussian
    public let hasSlopes: Bool
    private let whitening: GaussianDenoiser
    private let alphasCumprod: [Double]
    private let levels: [NoiseLevels]

    /// - Parameters:
    ///   - alphasCumprod: ᾱ of each sampler step.
    ///   - reference: Gaussian with the base model's mean and covariance, which whitens the state.
    ///   - hasSlopes: whether u_i depends on the state.
    public init(alphasCumprod: [Double], reference: Gaussian, hasSlopes: Bool) {
        let d = reference.dimension
        let features = hasSlopes ? d + 1 : 1
        maps = alphasCumprod.map { _ in Parameter(.zeros([features, d])) }
        self.reference = reference
        self.hasSlopes = hasSlopes
        self.alphasCumprod = alphasCumprod
        whitening = GaussianDenoiser(reference)
        levels = alphasCumprod.map { NoiseLevels(alphasCumprod: [$0]) }
    }

    /// The correction at its start, zero.
    public func unmoved() -> StepwiseCorrection {
        StepwiseCorrection(alphasCumprod: alphasCumprod, reference: reference, hasSlopes: hasSlopes)
    }

    /// z of step i.  Shapes: x `[N, d]`, result `[N, features]`.
    public func features(_ x: Tensor, step: Int) -> Tensor {
        let one = Tensor.ones([x.shape[0], 1])
        return hasSlopes ? .concatenated([whitening.whitened(x, levels[step]), one], axis: 1) : one
    }

    /// u_i of its features.  Shapes: z `[N, features]`, result `[N, d]`.
    public func callAsFunction(_ z: Tensor, step: Int) -> Tensor {
        let map = maps[step].value
        return hasSlopes ? matmul(z, map) : map.broadcast(to: [z.shape[0], map.shape[1]])
    }

    public var namedParameters: [NamedParameter] {
        maps.enumerated().map { NamedParameter("steps.\($0).map", $1) }
    }
}
