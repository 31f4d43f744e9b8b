/// Ways to fold an axis.
public enum ReduceOp: Int32, Sendable {
    case sum, maximum, minimum
}

/// Reductions of a device's op table.
public protocol ReductionKernels {
    /// y[o, i] = ⊕_e x[o, e, i]; the order of summation depends on the sizes alone.
    func reduce(_ op: ReduceOp, _ x: Tensor, outer: Int, extent: Int, inner: Int, into y: Tensor)
    /// Σ x² in double.
    func sumOfSquares(_ x: Tensor) -> Double
    /// Σ a·b in double.
    func dot(_ a: Tensor, _ b: Tensor) -> Double
}

extension Tensor {
    /// Σ along `axis`.
    public func sum(axis: Int, keepingAxis: Bool = false) -> Tensor {
        let source = shape
        let y = reduced(.sum, axis: axis)
        let kept = source.replacing(axis: axis, with: 1)
        let shaped = keepingAxis ? y.viewed(as: kept) : y
        return shaped.recorded(from: self) { $0.viewed(as: kept).broadcast(to: source) }
    }

    /// Σ over all elements, a scalar.
    public func sum() -> Tensor { reshaped(-1).sum(axis: 0) }

    public func mean(axis: Int, keepingAxis: Bool = false) -> Tensor {
        sum(axis: axis, keepingAxis: keepingAxis) / Double(shape[axis])
    }

    public func mean() -> Tensor { sum() / Double(elementCount) }

    /// Largest element along `axis`. Not differentiated.
    public func maximum(axis: Int) -> Tensor { reduced(.maximum, axis: axis) }

    /// Smallest element along `axis`. Not differentiated.
    public func minimum(axis: Int) -> Tensor { reduced(.minimum, axis: axis) }

    /// Σ x², in double on the host. Not differentiated.
    public func sumOfSquares() -> Double { backend.sumOfSquares(detached) }

    /// ⟨self, other⟩ in double on the host. Not differentiated.
    public func dot(_ other: Tensor) -> Double {
        precondition(
            shape == other.shape && dtype == other.dtype,
            "dot: \(shape) \(dtype.name) against \(other.shape) \(other.dtype.name)")
        return backend.dot(detached, other.detached)
    }

    /// Sums over broadcast axes until the shape is `target`: the adjoint of repeating.
    package func summed(to target: Shape) -> Tensor {
        var result = self
        while result.shape.rank > target.rank { result = result.sum(axis: 0) }
        for axis in 0..<target.rank where target[axis] == 1 && result.shape[axis] != 1 {
            result = result.sum(axis: axis, keepingAxis: true)
        }
        precondition(result.shape == target, "summed: \(shape) is no broadcast of \(target)")
        return result
    }

    private func reduced(_ op: ReduceOp, axis: Int) -> Tensor {
        let (outer, extent, inner) = shape.split(at: axis)
        precondition(extent > 0 || op == .sum, "\(op): axis \(axis) of \(shape) is empty")
        let y = emptyLike(shape: shape.removing(axis: axis))
        backend.reduce(op, detached, outer: outer, extent: extent, inner: inner, into: y)
        return y
    }
}
