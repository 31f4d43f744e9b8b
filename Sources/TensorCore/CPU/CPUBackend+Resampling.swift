import CKernels

extension CPUBackend {
    public func multiply(_ matrix: BandedMatrix, _ x: Tensor, inner: Int, into y: Tensor) {
        let perRow = inner * matrix.weights.count / max(matrix.rows, 1)
        Parallel.ranges(y.elementCount / max(inner, 1), grain: max(1, Self.grain / max(perRow, 1))) { rows in
            matrix.starts.withUnsafeBufferPointer { starts in
                matrix.offsets.withUnsafeBufferPointer { offsets in
                    matrix.weights.withUnsafeBufferPointer { weights in
                        var banded = ck_banded(
                            rows: matrix.rows, columns: matrix.columns, starts: starts.baseAddress,
                            offsets: offsets.baseAddress, weights: weights.baseAddress)
                        ck_multiply_banded(
                            x.kernelType, &banded, x.pointer, y.pointer, inner, rows.lowerBound, rows.count)
                    }
                }
            }
        }
    }
}
