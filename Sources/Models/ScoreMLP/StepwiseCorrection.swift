import Layers
import TensorCore

/// What alignment adds to a frozen base on vectors: an affine map of the state for every sampler step.
///
/// The adapted prediction of step i is ε = ε_base + (σ_i/|c_i|) u_i(x̂), with c_i, σ_i of the DDIM step and
/// u_i(x̂) = M_i x̂ + b_i of the whitened state. In these units the path-wise divergence of Lemma 1 is
/// Σ_i E ½‖u_i‖² whatever the schedule, and its Hessian in (M_i, b_i) is the identity: plain gradient descent with
/// a step of order one converges in a few iterations. Under linear rewards and a Gaussian base the optimum is
/// b_i ∝ Wᵀλ with M_i = 0, so slopes can be left out; quadratic rewards need them. It starts at zero, where the
/// model is the base.
public final class StepwiseCorrection: Module {
    /// M_i, each `[d, d]` acting from the right on row vectors; none where the map is a shift only.
    private let slopes: [Parameter]
    /// b_i, each `[1, d]`.
    private let shifts: [Parameter]
    /// The Gaussian that whitens the state.
    public let reference: Gaussian
    private let whitening: GaussianDenoiser
    private let levels: [NoiseLevels]

    /// - Parameters:
    ///   - alphasCumprod: ᾱ of each sampler step.
    ///   - reference: Gaussian with the base model's mean and covariance, which whitens the state.
    ///   - hasSlopes: whether u_i depends on the state.
    public init(alphasCumprod: [Double], reference: Gaussian, hasSlopes: Bool) {
        let d = reference.dimension
        slopes = hasSlopes ? alphasCumprod.map { _ in Parameter(.zeros([d, d])) } : []
        shifts = alphasCumprod.map { _ in Parameter(.zeros([1, d])) }
        self.reference = reference
        whitening = GaussianDenoiser(reference)
        levels = alphasCumprod.map { NoiseLevels(alphasCumprod: [$0]) }
    }

    /// u_i(x̂).  Shapes: x `[N, d]`, result `[N, d]`.
    public func callAsFunction(_ x: Tensor, step: Int) -> Tensor {
        let shift = shifts[step].value
        guard !slopes.isEmpty else { return shift.broadcast(to: x.shape) }
        return matmul(whitening.whitened(x, levels[step]), slopes[step].value) + shift
    }

    public var namedParameters: [NamedParameter] {
        slopes.enumerated().map { NamedParameter("steps.\($0).slope", $1) }
            + shifts.enumerated().map { NamedParameter("steps.\($0).shift", $1) }
    }
}
