/// Group norm of a device's op table; x is `[N, …, C]`.
public protocol GroupNormKernels {
    /// y = norm(x), or its SiLU; writes the mean and 1/std of each image and group for the adjoint.
    func groupNorm(
        _ norm: GroupNorm, _ x: Tensor, scale: Tensor?, shift: Tensor?, epsilon: Double, into y: Tensor,
        mean: Tensor, reciprocalDeviation: Tensor)
    /// Gradients of the input and, where tensors are given for them, of scale and shift.
    func groupNormAdjoint(
        _ norm: GroupNorm, _ x: Tensor, scale: Tensor?, shift: Tensor?, mean: Tensor,
        reciprocalDeviation: Tensor, _ dy: Tensor, into dx: Tensor, scaleGradient: Tensor?,
        shiftGradient: Tensor?)
}

/// Sizes of a group norm, and what follows it.
public struct GroupNorm: Sendable {
    public let images: Int
    public let pixels: Int
    public let channels: Int
    public let groups: Int
    /// Whether y = z · σ(z) of the normalised z.
    public let isFollowedBySiLU: Bool
}

/// z = γ · (x − mean) / √(var + ε) + β, mean and variance over all pixels of an image and a group of neighbouring
/// channels (Wu & He 2018, equations 1 to 3); y = z, or silu(z) in the same pass.
///
/// Statistics are in double. Only x and the moments are kept for the adjoint.
///
/// - Shapes: x, y `[N, …, C]`; scale γ and shift β `[C]`, of any floating type; saved mean and 1/std `[N, groups]`.
public func groupNorm(
    _ x: Tensor, groups: Int, scale: Tensor?, shift: Tensor?, epsilon: Double = 1e-5, silu: Bool = false
) -> Tensor {
    let (scale, shift) = (scale?.cast(to: x.dtype), shift?.cast(to: x.dtype))
    let norm = checkedGroupNorm(x, groups, [scale, shift].compactMap { $0 }, silu)
    let source = x.detached
    let statistics: DType = x.dtype == .float64 ? .float64 : .float32
    let y = x.emptyLike()
    let mean = x.emptyLike(shape: [norm.images, groups], dtype: statistics)
    let reciprocalDeviation = mean.emptyLike()
    x.backend.groupNorm(
        norm, source, scale: scale?.detached, shift: shift?.detached, epsilon: epsilon, into: y, mean: mean,
        reciprocalDeviation: reciprocalDeviation)

    let inputs = [x] + [scale, shift].compactMap { $0 }
    let (gamma, beta) = (scale?.detached, shift?.detached)
    let (needsScale, needsShift) = (scale?.isTracked ?? false, shift?.isTracked ?? false)
    return y.recorded(from: inputs) { dy in
        let dx = source.emptyLike()
        let (dScale, dShift) = (needsScale ? gamma?.emptyLike() : nil, needsShift ? beta?.emptyLike() : nil)
        source.backend.groupNormAdjoint(
            norm, source, scale: gamma, shift: beta, mean: mean, reciprocalDeviation: reciprocalDeviation, dy,
            into: dx, scaleGradient: dScale, shiftGradient: dShift)
        return [dx] + (gamma == nil ? [] : [dScale]) + (beta == nil ? [] : [dShift])
    }
}

private func checkedGroupNorm(_ x: Tensor, _ groups: Int, _ parameters: [Tensor], _ silu: Bool) -> GroupNorm {
    x.requireArithmetic("groupNorm")
    precondition(
        x.shape.rank >= 2 && groups > 0 && x.shape.last % groups == 0,
        "groupNorm: the channels of x \(x.shape) do not fall into \(groups) groups")
    for parameter in parameters {
        precondition(
            parameter.shape == [x.shape.last],
            "groupNorm: parameter \(parameter.shape) does not fit x \(x.shape)")
    }
    let images = x.shape[0]
    return GroupNorm(
        images: images, pixels: x.shape.dimensions.dropFirst().dropLast().reduce(1, *),
        channels: x.shape.last, groups: groups, isFollowedBySiLU: silu)
}
