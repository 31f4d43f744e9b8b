import TensorCore

/// The exact noise prediction of a Gaussian under the forward process.
///
/// x_t = √ᾱ x_0 + √(1−ᾱ) ε with x_0 ∼ N(m, S) has score −(ᾱS + (1−ᾱ)I)⁻¹ (x_t − √ᾱ m), hence
/// ε(x, t) = √(1−ᾱ) (ᾱS + (1−ᾱ)I)⁻¹ (x − √ᾱ m): in S's eigenbasis a division.
public struct GaussianDenoiser: Sendable {
    /// Column k is eigenvector k, `[d, d]`.
    private let basis: Tensor
    private let rows: Tensor
    private let spectrum: Tensor
    private let mean: Tensor

    public init(_ gaussian: Gaussian) {
        let d = gaussian.dimension
        rows = Tensor(gaussian.covariance.eigenvectors, shape: [d, d]).cast(to: .float32)
        basis = rows.transposed()
        spectrum = Tensor(gaussian.covariance.eigenvalues, shape: [1, d]).cast(to: .float32)
        mean = Tensor(gaussian.mean, shape: [1, d]).cast(to: .float32)
    }

    /// ε(x, t).
    ///
    /// - Parameters:
    ///   - x: `[N, d]`.
    ///   - levels: ᾱ of each row (or one for all).
    public func noisePrediction(_ x: Tensor, _ levels: NoiseLevels) -> Tensor {
        matmul(parts(x, levels).scaled * levels.noiseScale, rows)
    }

    /// (ᾱS + (1−ᾱ)I)^−½ (x − √ᾱ m) in S's eigenbasis: standard normal under the model.
    public func whitened(_ x: Tensor, _ levels: NoiseLevels) -> Tensor {
        let (offset, variance, _) = parts(x, levels)
        return offset / variance.squareRoot()
    }

    /// log N(x; √ᾱ m, ᾱS + (1−ᾱ)I) without the constant −(d/2) log 2π, `[N, 1]`.
    func logDensity(_ x: Tensor, _ levels: NoiseLevels) -> Tensor {
        let (offset, variance, scaled) = parts(x, levels)
        return
            ((offset * scaled).sum(axis: -1, keepingAxis: true)
            + variance.log().sum(axis: -1, keepingAxis: true)) * -0.5
    }

    /// x − √ᾱ m in the eigenbasis, the noised variances, and their quotient.
    private func parts(
        _ x: Tensor, _ levels: NoiseLevels
    ) -> (offset: Tensor, variance: Tensor, scaled: Tensor) {
        let offset = matmul(x - levels.signalScale * mean, basis)
        let variance = levels.signal * spectrum + levels.noise
        return (offset, variance, offset / variance)
    }
}

/// ᾱ and its square roots as columns that broadcast against samples.
public struct NoiseLevels: Sendable {
    /// ᾱ, `[N, 1]` or `[1, 1]`.
    public let signal: Tensor
    /// 1 − ᾱ, computed in double: for small noise the difference would lose its digits in f32.
    public let noise: Tensor
    /// √ᾱ.
    public let signalScale: Tensor
    /// √(1 − ᾱ).
    public let noiseScale: Tensor

    /// One level per row.
    public init(alphasCumprod: [Double], on device: Device = .cpu) {
        let column: ([Double]) -> Tensor = {
            Tensor($0.map(Float.init), shape: [$0.count, 1], on: device)
        }
        signal = column(alphasCumprod)
        noise = column(alphasCumprod.map { 1 - $0 })
        signalScale = column(alphasCumprod.map { $0.squareRoot() })
        noiseScale = column(alphasCumprod.map { (1 - $0).squareRoot() })
    }
}
