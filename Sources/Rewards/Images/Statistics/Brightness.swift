import TensorCore

/// Mean luminance: mean Y.
public struct Brightness: ImageStatistic {
    public let name = "brightness"
    public let summary = "mean luminance"

    public init() {}

    public func callAsFunction(_ images: Tensor) -> Tensor {
        images.luminance.reshaped(images.shape[0], -1).mean(axis: 1)
    }
}
