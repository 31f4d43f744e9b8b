import CKernels

extension CPUBackend {
    /// Rows whose parameter gradients are summed together; fixed, so that sums do not depend on the threads.
    private static let rowBlock = 256

    public func softmax(_ x: Tensor, into y: Tensor, columns: Int) {
        forEachRow(of: x, columns) { row, count in
            ck_softmax(x.kernelType, x.at(row * columns), y.at(row * columns), count, columns)
        }
    }

    public func softmaxAdjoint(_ y: Tensor, _ dy: Tensor, into dx: Tensor, columns: Int) {
        forEachRow(of: y, columns) { row, count in
            let start = row * columns
            ck_softmax_adjoint(y.kernelType, y.at(start), dy.at(start), dx.at(start), count, columns)
        }
    }

    public func layerNorm(
        _ x: Tensor, scale: Tensor?, shift: Tensor?, epsilon: Double, into y: Tensor, mean: Tensor,
        reciprocalDeviation: Tensor
    ) {
        let columns = x.shape.last
        forEachRow(of: x, columns) { row, count in
            ck_layer_norm(
                x.kernelType, x.at(row * columns), scale?.pointer, shift?.pointer, epsilon,
                y.at(row * columns), mean.at(row), reciprocalDeviation.at(row), count, columns)
        }
    }

    public func layerNormAdjoint(
        _ x: Tensor, scale: Tensor?, mean: Tensor, reciprocalDeviation: Tensor, _ dy: Tensor, into dx: Tensor,
        scaleGradient: Tensor?, shiftGradient: Tensor?
    ) {
        let columns = x.shape.last
        let rows = mean.elementCount
        let blocks = max(1, (rows + Self.rowBlock - 1) / Self.rowBlock)
        let partial: (Tensor?) -> Tensor? = { whole in
            whole.map { Tensor.zeros([blocks, columns], dtype: $0.dtype) }
        }
        let (scaleParts, shiftParts) = (partial(scaleGradient), partial(shiftGradient))
        Parallel.ranges(blocks, grain: max(1, Self.grain / max(1, columns * Self.rowBlock))) { range in
            for block in range {
                let row = block * Self.rowBlock
                let count = min(Self.rowBlock, rows - row)
                let start = row * columns
                ck_layer_norm_adjoint(
                    x.kernelType, x.at(start), scale?.pointer, mean.at(row), reciprocalDeviation.at(row),
                    dy.at(start), dx.at(start), scaleParts?.at(block * columns),
                    shiftParts?.at(block * columns),
                    count, columns)
            }
        }
        for (parts, whole) in [(scaleParts, scaleGradient), (shiftParts, shiftGradient)] {
            guard let parts, let whole else { continue }
            reduce(.sum, parts, outer: 1, extent: blocks, inner: columns, into: whole)
        }
    }

    func forEachRow(
        of x: Tensor, _ columns: Int, _ body: @Sendable (_ row: Int, _ count: Int) -> Void
    ) {
        let rows = x.elementCount / max(columns, 1)
        Parallel.ranges(rows, grain: max(1, Self.grain / max(columns, 1))) { body($0.lowerBound, $0.count) }
    }
}
