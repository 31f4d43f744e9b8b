import TensorCore

/// One reverse step x_t → x_{t−1}.
///
/// Song et al. 2021, eq. 12.
///
///     x_{t−1} = √ᾱ_{t−1} x̂_0 + √(1−ᾱ_{t−1}−σ_t²) ε + σ_t z
///             = √(ᾱ_{t−1}/ᾱ_t) x_t + c_t ε + σ_t z
public struct DDIMStep: Sendable, Equatable {
    public let timestep: Int
    /// ᾱ_t.
    public let alphaCumprod: Double
    /// ᾱ_{t−1}.
    public let previousAlphaCumprod: Double
    /// σ_t = η √((1−ᾱ_{t−1})/(1−ᾱ_t)) √(1−ᾱ_t/ᾱ_{t−1}), the multiplier of z.
    public let sigma: Double

    public init(timestep: Int, alphaCumprod: Double, previousAlphaCumprod: Double, eta: Double) {
        precondition(
            alphaCumprod >= 0 && alphaCumprod < 1 && previousAlphaCumprod <= 1
                && alphaCumprod <= previousAlphaCumprod,
            "DDIMStep: needs 0 ≤ ᾱ_t ≤ ᾱ_{t−1} ≤ 1, got \(alphaCumprod) and \(previousAlphaCumprod)")
        precondition((0...1).contains(eta), "DDIMStep: eta is \(eta), must lie in 0...1")
        self.timestep = timestep
        self.alphaCumprod = alphaCumprod
        self.previousAlphaCumprod = previousAlphaCumprod
        let kept = (1 - previousAlphaCumprod) / (1 - alphaCumprod)
        self.sigma = eta * (kept * (1 - alphaCumprod / previousAlphaCumprod)).squareRoot()
    }

    /// Whether the step adds no noise, so that two models' steps have no finite divergence.
    public var isDeterministic: Bool { sigma == 0 }

    /// √(ᾱ_{t−1}/ᾱ_t), the multiplier of x_t.
    public var stateScale: Double { (previousAlphaCumprod / alphaCumprod).squareRoot() }

    /// √(1−ᾱ_{t−1}−σ_t²), the multiplier of ε beside x̂_0.
    public var directionScale: Double { max(0, 1 - previousAlphaCumprod - sigma * sigma).squareRoot() }

    /// c_t = √(1−ᾱ_{t−1}−σ_t²) − √(ᾱ_{t−1}(1−ᾱ_t)/ᾱ_t), the multiplier of ε beside x_t (Lemma 1).
    public var noiseScale: Double {
        directionScale - (previousAlphaCumprod * (1 - alphaCumprod) / alphaCumprod).squareRoot()
    }

    /// c_t²/(2σ_t²): nats per ‖ε_p − ε_q‖² (Lemma 1); nil where σ_t = 0.
    public var divergenceWeight: Double? {
        isDeterministic ? nil : noiseScale * noiseScale / (2 * sigma * sigma)
    }

    /// x_{t−1} from the predicted halves of x_t and standard normal z (not needed where σ_t = 0).
    public func advanced(_ denoised: Denoised, noise z: Tensor?) -> Tensor {
        let mean = denoised.sample * previousAlphaCumprod.squareRoot() + denoised.noise * directionScale
        guard !isDeterministic else { return mean }
        guard let z else {
            preconditionFailure("DDIMStep: σ is \(sigma) at timestep \(timestep), so noise is needed")
        }
        return mean + z * sigma
    }
}
