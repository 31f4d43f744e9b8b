import TensorCore

/// mean |Y − G ∗ Y|, G a Gaussian of deviation 1 in 5 × 5 pixels.
public struct LocalContrast: ImageStatistic {
    public let name = "local-contrast"
    public let summary = "mean distance of the luminance to its blur"
    public let smallestSide = 3

    public init() {}

    public func callAsFunction(_ images: Tensor) -> Tensor {
        let luminance = images.luminance
        let detail = luminance - luminance.blurred(radius: 2, deviation: 1)
        return detail.magnitude().reshaped(images.shape[0], -1).mean(axis: 1)
    }
}
