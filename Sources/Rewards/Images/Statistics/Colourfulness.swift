import TensorCore

/// Colourfulness of Hasler & Süsstrunk (2003), M⁽³⁾ there: √(σ²rg + σ²yb) + 0.3 √(μ²rg + μ²yb) of the opponent
/// colours rg = R − G and yb = (R + G) / 2 − B.
public struct Colourfulness: ImageStatistic {
    public let name = "colourfulness"
    public let summary = "Hasler and Süsstrunk's colourfulness"
    public let smallestSide = 2

    public init() {}

    public func callAsFunction(_ images: Tensor) -> Tensor {
        let opponents = images.colorsMixed(by: [[1, -1, 0], [0.5, 0.5, -1]]).pixels
        let (deviations, means) = (opponents.deviation(axis: 1), opponents.mean(axis: 1))
        return deviations.norm(axis: 1) + 0.3 * means.norm(axis: 1)
    }
}
