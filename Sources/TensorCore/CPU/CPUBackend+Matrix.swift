import COpenBLAS

extension CPUBackend {
    public func multiply(
        _ product: MatrixProduct, _ a: Tensor, _ b: Tensor, into c: Tensor, accumulating: Bool
    ) {
        switch c.dtype {
        case .float32, .float64:
            for index in 0..<product.batch { gemm(product, a, b, c, index, beta: accumulating ? 1 : 0) }
        case .bfloat16, .float16:
            // Debian's OpenBLAS exports no half-precision GEMM: widen, multiply, round once.
            let wide = accumulating ? c.cast(to: .float32) : c.emptyLike(dtype: .float32)
            multiply(
                product, a.cast(to: .float32), b.cast(to: .float32), into: wide, accumulating: accumulating)
            cast(wide, into: c)
        case .int32:
            preconditionFailure("matmul: i32 tensors hold indices and have no products")
        }
    }

    private func gemm(
        _ p: MatrixProduct, _ a: Tensor, _ b: Tensor, _ c: Tensor, _ index: Int, beta: Double
    ) {
        guard p.rows > 0, p.columns > 0 else { return }
        let (opA, opB) = (p.transposeA ? CblasTrans : CblasNoTrans, p.transposeB ? CblasTrans : CblasNoTrans)
        let (m, n, k) = (Int32(p.rows), Int32(p.columns), Int32(p.depth))
        let (leadingA, leadingB) = (max(1, p.transposeA ? m : k), max(1, p.transposeB ? k : n))
        let (left, right) = (a.at(index * p.strideA), b.at(index * p.strideB))
        let target = c.at(index * p.rows * p.columns)
        if c.dtype == .float64 {
            cblas_dgemm(
                CblasRowMajor, opA, opB, m, n, k, 1, left.assumingMemoryBound(to: Double.self), leadingA,
                right.assumingMemoryBound(to: Double.self), leadingB, beta,
                target.assumingMemoryBound(to: Double.self), n)
        } else {
            cblas_sgemm(
                CblasRowMajor, opA, opB, m, n, k, 1, left.assumingMemoryBound(to: Float.self), leadingA,
                right.assumingMemoryBound(to: Float.self), leadingB, Float(beta),
                target.assumingMemoryBound(to: Float.self), n)
        }
    }
}
