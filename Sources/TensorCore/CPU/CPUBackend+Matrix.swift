import COpenBLAS

extension CPUBackend {
    public func multiply(_ product: MatrixProduct, _ a: Tensor, _ b: Tensor, into c: Tensor) {
        switch c.dtype {
        case .float32, .float64:
            guard c.elementCount > 0 else { return }
            MatrixTiling(product).forEachTile { tile in gemm(product, tile, a, b, into: c) }
        case .bfloat16, .float16:
            // Debian's OpenBLAS exports no half-precision GEMM: widen, multiply, round once.
            let wide = product.accumulates ? c.cast(to: .float32) : c.emptyLike(dtype: .float32)
            multiply(product, a.cast(to: .float32), b.cast(to: .float32), into: wide)
            cast(wide, into: c)
        case .int32:
            preconditionFailure("matmul: i32 tensors hold indices and have no products")
        }
    }

    private func gemm(
        _ p: MatrixProduct, _ tile: MatrixTiling.Tile, _ a: Tensor, _ b: Tensor, into c: Tensor
    ) {
        let (firstRow, firstColumn) = (tile.rows.lowerBound, tile.columns.lowerBound)
        let left = a.at(tile.index * p.strideA + firstRow * (p.transposeA ? 1 : p.depth))
        let right = b.at(tile.index * p.strideB + firstColumn * (p.transposeB ? p.depth : 1))
        let target = c.at((tile.index * p.rows + firstRow) * p.columns + firstColumn)
        let (opA, opB) = (p.transposeA ? CblasTrans : CblasNoTrans, p.transposeB ? CblasTrans : CblasNoTrans)
        let (m, n, k) = (Int32(tile.rows.count), Int32(tile.columns.count), Int32(p.depth))
        let leadingA = Int32(max(1, p.transposeA ? p.rows : p.depth))
        let leadingB = Int32(max(1, p.transposeB ? p.depth : p.columns))
        let (leadingC, keep) = (Int32(p.columns), p.accumulates ? 1.0 : 0.0)
        if c.dtype == .float64 {
            cblas_dgemm(
                CblasRowMajor, opA, opB, m, n, k, 1, left.assumingMemoryBound(to: Double.self), leadingA,
                right.assumingMemoryBound(to: Double.self), leadingB, keep,
                target.assumingMemoryBound(to: Double.self), leadingC)
        } else {
            cblas_sgemm(
                CblasRowMajor, opA, opB, m, n, k, 1, left.assumingMemoryBound(to: Float.self), leadingA,
                right.assumingMemoryBound(to: Float.self), leadingB, Float(keep),
                target.assumingMemoryBound(to: Float.self), leadingC)
        }
    }
}

/// The library behind matrix products.
public enum MatrixLibrary {
    /// The processor family whose kernels OpenBLAS chose, or was told to use by `OPENBLAS_CORETYPE`.
    public static var core: String { String(cString: openblas_get_corename()) }
}
