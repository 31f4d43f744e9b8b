/// Copies that rearrange elements.
public protocol LayoutKernels {
    /// dst[strides] = src[strides] over `shape`, offsets and strides in elements.
    func copyStrided(
        shape: [Int], from source: Tensor, offset sourceOffset: Int, strides sourceStrides: [Int],
        into target: Tensor, offset targetOffset: Int, strides targetStrides: [Int])
}

extension Tensor {
    /// The same elements under another shape; one dimension may be −1.
    ///
    /// Shares storage.
    public func reshaped(_ dimensions: [Int]) -> Tensor {
        let target = resolved(dimensions)
        let source = shape
        return viewed(as: target).recorded(from: self) { $0.viewed(as: source) }
    }

    public func reshaped(_ dimensions: Int...) -> Tensor { reshaped(dimensions) }

    private func resolved(_ dimensions: [Int]) -> Shape {
        let known = dimensions.filter { $0 != -1 }.reduce(1, *)
        let inferred = dimensions.map { $0 == -1 ? (known == 0 ? 0 : elementCount / known) : $0 }
        precondition(
            inferred.reduce(1, *) == elementCount && dimensions.filter { $0 == -1 }.count <= 1,
            "reshaped: \(shape) cannot become \(dimensions)")
        return Shape(inferred)
    }

    /// Axes in a new order: `y.shape[i] == x.shape[axes[i]]`.
    ///
    /// Copies.
    public func permuted(_ axes: [Int]) -> Tensor {
        precondition(
            axes.sorted() == Array(0..<shape.rank), "permuted: \(axes) is no order of the axes of \(shape)")
        let strides = shape.strides
        let y = emptyLike(shape: Shape(axes.map { shape[$0] }))
        backend.copyStrided(
            shape: y.shape.dimensions, from: detached, offset: 0, strides: axes.map { strides[$0] },
            into: y, offset: 0, strides: y.shape.strides)
        let inverse = axes.indices.map { axis in axes.firstIndex(of: axis) ?? axis }
        return y.recorded(from: self) { $0.permuted(inverse) }
    }

    /// Swaps the last two axes.
    ///
    /// Copies.
    public func transposed() -> Tensor {
        precondition(shape.rank >= 2, "transposed: needs a matrix, got shape \(shape)")
        var axes = Array(0..<shape.rank)
        axes.swapAt(shape.rank - 1, shape.rank - 2)
        return permuted(axes)
    }

    /// Elements `range` along `axis`.
    ///
    /// Shares storage when the slice is contiguous.
    public func slice(_ range: Range<Int>, axis: Int = 0) -> Tensor {
        let (outer, extent, inner) = shape.split(at: axis)
        precondition(
            range.lowerBound >= 0 && range.upperBound <= extent,
            "slice: \(range) is out of range for axis \(axis) of \(shape)")
        let target = shape.replacing(axis: axis, with: range.count)
        let y: Tensor
        if outer == 1 {
            y = viewed(as: target, byteOffset: range.lowerBound * inner * dtype.byteWidth)
        } else {
            y = emptyLike(shape: target)
            backend.copyStrided(
                shape: [outer, range.count * inner], from: detached, offset: range.lowerBound * inner,
                strides: [extent * inner, 1], into: y, offset: 0, strides: [range.count * inner, 1])
        }
        let whole = shape
        return y.recorded(from: self) { $0.placed(at: range.lowerBound, axis: axis, of: whole) }
    }

    /// Adjoint of `slice`: zeros of shape `whole` with self at `start` along `axis`.
    private func placed(at start: Int, axis: Int, of whole: Shape) -> Tensor {
        let y = Tensor.zeros(whole, dtype: dtype, on: device)
        y.place(self, at: start, axis: axis)
        return y
    }

    /// Copies `part` into self along `axis`; for tensors under construction only.
    private func place(_ part: Tensor, at start: Int, axis: Int) {
        let (outer, extent, inner) = shape.split(at: axis)
        let width = part.shape[axis] * inner
        backend.copyStrided(
            shape: [outer, width], from: part.detached, offset: 0, strides: [width, 1],
            into: self, offset: start * inner, strides: [extent * inner, 1])
    }

    /// Joins tensors that differ only along `axis`.
    public static func concatenated(_ parts: [Tensor], axis: Int = 0) -> Tensor {
        guard let first = parts.first else { preconditionFailure("concatenated: needs at least one tensor") }
        for part in parts {
            precondition(
                part.shape.removing(axis: axis) == first.shape.removing(axis: axis)
                    && part.dtype == first.dtype,
                "concatenated: \(part.shape) does not fit \(first.shape) along axis \(axis)")
        }
        let extents = parts.map { $0.shape[axis] }
        let y = first.emptyLike(shape: first.shape.replacing(axis: axis, with: extents.reduce(0, +)))
        var start = 0
        for part in parts {
            y.place(part, at: start, axis: axis)
            start += part.shape[axis]
        }
        let needed = parts.map(\.isTracked)
        return y.recorded(from: parts) { dy in
            var start = 0
            return zip(extents, needed).map { extent, isNeeded in
                defer { start += extent }
                return isNeeded ? dy.slice(start..<(start + extent), axis: axis) : nil
            }
        }
    }

    /// Repeats along broadcast axes until the shape is `target`.
    ///
    /// Copies.
    public func broadcast(to target: Shape) -> Tensor {
        guard shape != target else { return self }
        precondition(
            Shape.broadcast(shape, target) == target, "broadcast: \(shape) does not broadcast to \(target)")
        let y = emptyLike(shape: target)
        backend.copyStrided(
            shape: target.dimensions, from: detached, offset: 0, strides: shape.broadcastStrides(to: target),
            into: y, offset: 0, strides: target.strides)
        let source = shape
        return y.recorded(from: self) { $0.summed(to: source) }
    }
}
