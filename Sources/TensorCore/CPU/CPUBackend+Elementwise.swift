import CKernels

extension CPUBackend {
    public func unary(_ op: UnaryOp, _ x: Tensor, into y: Tensor) {
        Parallel.ranges(x.elementCount, grain: Self.grain) { range in
            ck_unary(op.kernel, x.kernelType, x.at(range.lowerBound), y.at(range.lowerBound), range.count)
        }
    }

    public func unaryAdjoint(_ op: UnaryOp, _ x: Tensor, _ dy: Tensor, into dx: Tensor) {
        Parallel.ranges(x.elementCount, grain: Self.grain) { range in
            let start = range.lowerBound
            ck_unary_adjoint(op.kernel, x.kernelType, x.at(start), dy.at(start), dx.at(start), range.count)
        }
    }

    public func binary(_ op: BinaryOp, _ a: Tensor, _ b: Tensor, into y: Tensor) {
        if a.shape == b.shape {
            return Parallel.ranges(y.elementCount, grain: Self.grain) { range in
                let start = range.lowerBound
                ck_binary(op.kernel, y.kernelType, a.at(start), b.at(start), y.at(start), range.count)
            }
        }
        let axes = BroadcastAxes(a.shape, b.shape, into: y.shape)
        Parallel.ranges(axes.outer, grain: max(1, Self.grain / max(1, axes.inner))) { rows in
            var shape = axes.shape
            shape[0] = Int64(rows.count)
            ck_binary_strided(
                op.kernel, y.kernelType, Int32(shape.count), shape, axes.aStrides, axes.bStrides,
                a.at(rows.lowerBound * Int(axes.aStrides[0])), b.at(rows.lowerBound * Int(axes.bStrides[0])),
                y.at(rows.lowerBound * axes.inner))
        }
    }

    public func affine(_ x: Tensor, scale: Double, shift: Double, into y: Tensor) {
        Parallel.ranges(x.elementCount, grain: Self.grain) { range in
            let start = range.lowerBound
            ck_affine(x.kernelType, x.at(start), scale, shift, y.at(start), range.count)
        }
    }

    public func clamp(_ x: Tensor, _ low: Double, _ high: Double, into y: Tensor) {
        Parallel.ranges(x.elementCount, grain: Self.grain) { range in
            ck_clamp(x.kernelType, x.at(range.lowerBound), low, high, y.at(range.lowerBound), range.count)
        }
    }

    public func clampAdjoint(_ x: Tensor, _ dy: Tensor, _ low: Double, _ high: Double, into dx: Tensor) {
        Parallel.ranges(x.elementCount, grain: Self.grain) { range in
            let start = range.lowerBound
            ck_clamp_adjoint(x.kernelType, x.at(start), dy.at(start), low, high, dx.at(start), range.count)
        }
    }

    public func cast(_ x: Tensor, into y: Tensor) {
        Parallel.ranges(x.elementCount, grain: Self.grain) { range in
            let start = range.lowerBound
            ck_cast(x.kernelType, x.at(start), y.kernelType, y.at(start), range.count)
        }
    }
}

extension CPUBackend {
    public func accumulate(_ x: Tensor, scale a: Double, onto y: Tensor, scale b: Double) {
        Parallel.ranges(x.elementCount, grain: Self.grain) { range in
            let start = range.lowerBound
            ck_axpby(x.kernelType, a, x.at(start), b, y.at(start), range.count)
        }
    }
}

extension UnaryOp {
    var kernel: ck_unary_op { ck_unary_op(rawValue: rawValue) }
}

extension BinaryOp {
    var kernel: ck_binary_op { ck_binary_op(rawValue: rawValue) }
}

/// Axes of a broadcast operation with neighbours merged wherever both operands allow it.
private struct BroadcastAxes {
    private(set) var shape: [Int64] = []
    private(set) var aStrides: [Int64] = []
    private(set) var bStrides: [Int64] = []

    var outer: Int { Int(shape[0]) }
    var inner: Int { shape.dropFirst().reduce(1) { $0 * Int($1) } }

    init(_ a: Shape, _ b: Shape, into y: Shape) {
        let (left, right) = (a.broadcastStrides(to: y), b.broadcastStrides(to: y))
        for axis in 0..<y.rank where y[axis] != 1 {
            append(extent: Int64(y[axis]), Int64(left[axis]), Int64(right[axis]))
        }
        if shape.isEmpty { append(extent: 1, 0, 0) }
    }

    private mutating func append(extent: Int64, _ aStride: Int64, _ bStride: Int64) {
        if let last = shape.indices.last, aStrides[last] == aStride * extent,
            bStrides[last] == bStride * extent
        {
            shape[last] *= extent
            aStrides[last] = aStride
            bStrides[last] = bStride
        } else {
            shape.append(extent)
            aStrides.append(aStride)
            bStrides.append(bStride)
        }
    }
}
