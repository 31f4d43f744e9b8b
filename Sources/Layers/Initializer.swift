import TensorCore

/// Draws initial values: the k-th array drawn is sample k of one random stream, so it depends on the seed and on
/// its place in the model alone.
public struct Initializer: Sendable {
    private let key: RandomKey
    private var drawn = 0

    public init(key: RandomKey) { self.key = key }

    /// Uniform in ±bound.
    public mutating func uniform(_ shape: Shape, bound: Double) -> Tensor {
        Tensor.uniform([1, shape.elementCount], key: key, firstSample: next())
            .affine(scale: 2 * bound, shift: -bound).reshaped(shape.dimensions)
    }

    /// N(0, deviation²).
    public mutating func normal(_ shape: Shape, deviation: Double) -> Tensor {
        (Tensor.normal([1, shape.elementCount], key: key, firstSample: next()) * deviation)
            .reshaped(shape.dimensions)
    }

    private mutating func next() -> Int {
        defer { drawn += 1 }
        return drawn
    }
}
