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
        if a.shape == y.shape, b.shape == y.shape {
            return Parallel.ranges(y.elementCount, grain: Self.grain) { range in
                let start = range.lowerBound
                ck_binary(op.kernel, y.kernelType, a.at(start), b.at(start), y.at(start), range.count)
            }
        }
        let axes = PairedAxes(
            shape: y.shape.dimensions, a.shape.broadcastStrides(to: y.shape),
            b.shape.broadcastStrides(to: y.shape))
        axes.forEachPart { shape, before, aStart, bStart in
            ck_binary_strided(
                op.kernel, y.kernelType, Int32(shape.count), shape, axes.aStrides, axes.bStrides,
                a.at(aStart), b.at(bStart), y.at(before * axes.inner))
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
