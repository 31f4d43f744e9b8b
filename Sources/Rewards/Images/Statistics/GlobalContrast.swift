import TensorCore

/// RMS contrast: the standard deviation of Y over the picture.
public struct GlobalContrast: ImageStatistic {
    public let name = "global-contrast"
    public let summary = "standard deviation of the luminance"
    public let smallestSide = 2

    public init() {}

    public func callAsFunction(_ images: Tensor) -> Tensor {
        images.luminance.reshaped(images.shape[0], -1).deviation(axis: 1)
    }
}
