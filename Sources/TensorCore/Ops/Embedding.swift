/// Row look-up of a device's op table.
public protocol EmbeddingKernels {
    /// y[i] = table[indices[i]].
    func gatherRows(_ table: Tensor, _ indices: Tensor, into y: Tensor)
    /// table[indices[i]] += dy[i], in order of i.
    func scatterAddRows(_ dy: Tensor, _ indices: Tensor, into table: Tensor)
}

/// Rows of a table: y[i, :] = table[indices[i], :].
///
/// - Shapes: table `[V, C]`, indices `[…]` (i32, each in 0..<V), y `[…, C]`.
public func embedding(_ table: Tensor, _ indices: Tensor) -> Tensor {
    precondition(
        table.shape.rank == 2 && indices.dtype == .int32,
        "embedding: needs a matrix and i32 indices, got \(table.shape) and \(indices.dtype.name)")
    let source = table.shape
    let y = table.emptyLike(shape: Shape(indices.shape.dimensions + [source[1]]))
    table.backend.gatherRows(table.detached, indices, into: y)
    return y.recorded(from: table) { dy in
        let gradient = Tensor.zeros(source, dtype: dy.dtype, on: dy.device)
        dy.backend.scatterAddRows(dy, indices, into: gradient)
        return gradient
    }
}
