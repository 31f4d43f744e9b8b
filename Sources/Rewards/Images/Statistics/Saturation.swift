import TensorCore

/// Mean of HSV's saturation, (max − min) / (max + 1e−8) over R, G, B.
public struct Saturation: ImageStatistic {
    public let name = "saturation"
    public let summary = "mean saturation of the pixels"

    public init() {}

    public func callAsFunction(_ images: Tensor) -> Tensor {
        let (red, green, blue) = (
            images.slice(0..<1, axis: 3), images.slice(1..<2, axis: 3), images.slice(2..<3, axis: 3)
        )
        let largest = red.maximum(green).maximum(blue)
        let smallest = red.minimum(green).minimum(blue)
        let saturation = (largest - smallest) / (largest + 1e-8)
        return saturation.reshaped(images.shape[0], -1).mean(axis: 1)
    }
}
