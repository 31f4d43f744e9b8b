import TensorCore

extension NoiseSchedule {
    /// Forward noising: x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε.
    ///
    /// - Shapes: all `[N, …]`.
    public func noised(_ sample: Tensor, with noise: Tensor, at timesteps: Timesteps) -> Tensor {
        timesteps.scale(sample, by: signalScale) + timesteps.scale(noise, by: noiseScale)
    }

    /// Takes out the noise that is left at a low level: x_0 = (x − ½√(1−ᾱ_t) ε)/√ᾱ_t.
    ///
    /// The trapezoid for the probability flow dy/dγ = ε from γ_t to 0, where ε vanishes in proportion to γ
    /// (`docs/divergences.md`). Moments are right to second order in γ_t²/variance; with the factor 1 instead
    /// of ½ (the posterior mean) they are too small by as much as they were too large.
    public func withoutResidualNoise(_ x: Tensor, noise: Tensor, at timesteps: Timesteps) -> Tensor {
        timesteps.scale(x) { 1 / signalScale(at: $0) } - timesteps.scale(noise) { noiseToSignal(at: $0) / 2 }
    }
}
