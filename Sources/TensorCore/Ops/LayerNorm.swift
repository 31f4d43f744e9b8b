/// Layer norm of a device's op table.
public protocol LayerNormKernels {
    /// Normalises rows of `columns`; writes the mean and 1/std of each row for the adjoint.
    func layerNorm(
        _ x: Tensor, scale: Tensor?, shift: Tensor?, epsilon: Double, into y: Tensor, mean: Tensor,
        reciprocalDeviation: Tensor)
    /// Gradients of the input and, where tensors are given for them, of scale and shift.
    func layerNormAdjoint(
        _ x: Tensor, scale: Tensor?, mean: Tensor, reciprocalDeviation: Tensor, _ dy: Tensor, into dx: Tensor,
        scaleGradient: Tensor?, shiftGradient: Tensor?)
}

/// y = γ · (x − mean) / √(var + ε) + β over the last axis (Ba and others 2016, equation 4).
///
/// - Shapes: x, y `[…, C]`; scale γ and shift β `[C]`; saved mean and 1/std one per row.
public func layerNorm(_ x: Tensor, scale: Tensor?, shift: Tensor?, epsilon: Double = 1e-5) -> Tensor {
    x.requireArithmetic("layerNorm")
    let columns = x.shape.last
    for parameter in [scale, shift].compactMap({ $0 }) {
        precondition(
            parameter.shape == [columns] && parameter.dtype == x.dtype,
            "layerNorm: parameter \(parameter.shape) \(parameter.dtype.name) does not fit x \(x.shape)")
    }
    let source = x.detached
    let statistics: DType = x.dtype == .float64 ? .float64 : .float32
    let rows = x.elementCount / max(columns, 1)
    let y = x.emptyLike()
    let mean = x.emptyLike(shape: [rows], dtype: statistics)
    let reciprocalDeviation = mean.emptyLike()
    x.backend.layerNorm(
        source, scale: scale?.detached, shift: shift?.detached, epsilon: epsilon, into: y, mean: mean,
        reciprocalDeviation: reciprocalDeviation)

    let inputs = [x] + [scale, shift].compactMap { $0 }
    let (gamma, needsScale) = (scale?.detached, scale?.isTracked ?? false)
    let (hasScale, hasShift, needsShift) = (scale != nil, shift != nil, shift?.isTracked ?? false)
    return y.recorded(from: inputs) { dy in
        let dx = source.emptyLike()
        let sums: (Bool) -> Tensor? = { $0 ? Tensor.zeros([columns], dtype: statistics, on: dx.device) : nil }
        let (dScale, dShift) = (sums(needsScale), sums(needsShift))
        source.backend.layerNormAdjoint(
            source, scale: gamma, mean: mean, reciprocalDeviation: reciprocalDeviation, dy, into: dx,
            scaleGradient: dScale, shiftGradient: dShift)
        return [dx] + (hasScale ? [dScale?.cast(to: source.dtype)] : [])
            + (hasShift ? [dShift?.cast(to: source.dtype)] : [])
    }
}
