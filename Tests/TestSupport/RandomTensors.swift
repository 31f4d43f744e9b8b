import TensorCore

/// Standard normals, the same for a seed on every machine.
public func randomTensor(
    _ shape: Shape, seed: UInt64, dtype: DType = .float32, on device: Device = .cpu
) -> Tensor {
    drawn(shape, seed, dtype, device) { Tensor.normal($0, key: $1, on: $2) }
}

/// Uniforms in `range`, for functions whose domain is bounded.
public func randomTensor(
    _ shape: Shape, in range: ClosedRange<Double>, seed: UInt64, dtype: DType = .float32,
    on device: Device = .cpu
) -> Tensor {
    let unit = drawn(shape, seed, .float64, device) { Tensor.uniform($0, key: $1, on: $2) }
    return unit.affine(scale: range.upperBound - range.lowerBound, shift: range.lowerBound).cast(to: dtype)
}

/// Draws all elements as one sample, so that reshaping does not change them.
private func drawn(
    _ shape: Shape, _ seed: UInt64, _ dtype: DType, _ device: Device,
    _ draw: (Shape, RandomKey, Device) -> Tensor
) -> Tensor {
    draw([1, shape.elementCount], RandomKey(seed: seed, stream: 0x7e57), device)
        .reshaped(shape.dimensions).cast(to: dtype)
}
