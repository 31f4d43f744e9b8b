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

    /// Largest element along `axis`.
    ///
    /// Not differentiated.
    public func maximum(axis: Int) -> Tensor { reduced(.maximum, axis: axis) }

    /// Smallest element along `axis`.
    ///
    /// Not differentiated.
    public func minimum(axis: Int) -> Tensor { reduced(.minimum, axis: axis) }

    /// Σ x², in double on the host.
    ///
    /// Not differentiated.
    public func sumOfSquares() -> Double { backend.sumOfSquares(detached) }

    /// ⟨self, other⟩ in double on the host.
    ///
    /// Not differentiated.
    public func dot(_ other: Tensor) -> Double {
        precondition(
            shape == other.shape && dtype == other.dtype,
            "dot: \(shape) \(dtype.name) against \(other.shape) \(other.dtype.name)")
        return backend.dot(detached, other.detached)
    }

    /// Sums over broadcast axes until the shape is `target`: the adjoint of repeating.
    package func summed(to target: Shape) -> Tensor {
        guard shape != target else { return self }
        precondition(
            Shape.broadcast(shape, target) == shape, "summed: \(shape) is no broadcast of \(target)")
        // Neighbouring axes with one fate become one axis, so that each run of summed axes is rounded once.
        let missing = shape.rank - target.rank
        var runs: [(extent: Int, isSummed: Bool)] = []
        for (axis, extent) in shape.dimensions.enumerated() where extent != 1 {
            let isSummed = axis < missing || target.dimensions[axis - missing] == 1
            if let last = runs.last, last.isSummed == isSummed {
                runs[runs.count - 1].extent *= extent
            } else {
                runs.append((extent, isSummed))
            }
        }
        var result = viewed(as: Shape(runs.map(\.extent)))
        for axis in runs.indices.reversed() where runs[axis].isSummed {
            result = result.reduced(.sum, axis: axis)
        }
        return result.viewed(as: target)
    }

    private func reduced(_ op: ReduceOp, axis: Int) -> Tensor {
        requireArithmetic("\(op)")
        let (outer, extent, inner) = shape.split(at: axis)
        precondition(extent > 0 || op == .sum, "\(op): axis \(axis) of \(shape) is empty")
        let y = emptyLike(shape: shape.removing(axis: axis))
        backend.reduce(op, detached, outer: outer, extent: extent, inner: inner, into: y)
        return y
    }
}
