/// Banded products of a device's op table.
public protocol ResamplingKernels {
    /// y[o, i, e] = Σ_j A[i, j] · x[o, j, e], `inner` elements e; f32 or f64.
    func multiply(_ matrix: BandedMatrix, _ x: Tensor, inner: Int, into y: Tensor)
}

extension Tensor {
    /// y = A x along `axis`: a linear resampling of one side of an image.
    ///
    /// Nothing is kept for the adjoint, dx = Aᵀ dy.
    ///
    /// - Shapes: self `[…, columns of A, …]` f32 or f64, y `[…, rows of A, …]`.
    public func resampled(by matrix: BandedMatrix, axis: Int) -> Tensor {
        precondition(
            [.float32, .float64].contains(dtype) && shape[axis] == matrix.columns,
            "resampled: a matrix of \(matrix.columns) columns for axis \(axis) of \(shape) \(dtype.name), "
                + "expected as many columns and f32 or f64")
        let y = emptyLike(shape: shape.replacing(axis: axis, with: matrix.rows))
        backend.multiply(matrix, detached, inner: shape.split(at: axis).inner, into: y)
        return y.recorded(from: self) { $0.resampled(by: matrix.transposed, axis: axis) }
    }

    /// Images under one matrix for each side.
    ///
    /// - Shapes: self `[N, H, W, C]`, result `[N, rows of vertical, rows of horizontal, C]`.
    public func resampled(vertically vertical: BandedMatrix, horizontally horizontal: BandedMatrix) -> Tensor
    {
        precondition(shape.rank == 4, "resampled: needs images [N, H, W, C], got \(shape)")
        return resampled(by: vertical, axis: 1).resampled(by: horizontal, axis: 2)
    }
}
