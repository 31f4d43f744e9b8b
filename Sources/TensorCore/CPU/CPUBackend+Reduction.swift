import CKernels

extension CPUBackend {
    public func reduce(_ op: ReduceOp, _ x: Tensor, outer: Int, extent: Int, inner: Int, into y: Tensor) {
        let kernel = ck_reduce_op(rawValue: op.rawValue)
        Parallel.ranges(outer, grain: max(1, Self.grain / max(1, extent * inner))) { range in
            ck_reduce(
                kernel, x.kernelType, x.at(range.lowerBound * extent * inner), y.at(range.lowerBound * inner),
                range.count, extent, inner)
        }
    }

    public func sumOfSquares(_ x: Tensor) -> Double {
        ck_sum_of_squares(x.kernelType, x.pointer, x.elementCount)
    }

    public func dot(_ a: Tensor, _ b: Tensor) -> Double {
        ck_dot(a.kernelType, a.pointer, b.pointer, a.elementCount)
    }
}
