import COpenBLAS

extension CPUBackend {
    public func multiply(_ product: MatrixProduct, _ a: Tensor, _ b: Tensor, into c: Tensor) {
        guard c.elementCount > 0 else { return }
        switch c.dtype {
        case .float32, .float64:
            if b.dtype == c.dtype {
                multiplyDense(product, a, b, into: c)
            } else {
                multiplyWidening(product, a, b, into: c)
            }
        case .bfloat16, .float16:
            if PairProduct.suits(product, a, b, c) {
                return PairProduct(product, a, b).run(into: c)
            }
            // Debian's OpenBLAS exports no half-precision GEMM: widen, multiply, round once.
            let wide = product.accumulates ? c.cast(to: .float32) : c.emptyLike(dtype: .float32)
            multiply(product, a.cast(to: .float32), b, into: wide)
            cast(wide, into: c)
        case .int32:
            preconditionFailure("matmul: i32 tensors hold indices and have no products")
        }
    }

    private func multiplyDense(_ p: MatrixProduct, _ a: Tensor, _ b: Tensor, into c: Tensor) {
        let leadingA = p.leadingA ?? (p.transposeA ? p.rows : p.depth)
        let leadingB = p.transposeB ? p.depth : p.columns
        let leadingC = p.leadingC ?? p.columns
        MatrixTiling(p).forEachTile { tile in
            let (row, column) = (tile.rows.lowerBound, tile.columns.lowerBound)
            let left = a.at(tile.index * p.strideA + row * (p.transposeA ? 1 : leadingA))
            let right = b.at(tile.index * p.strideB + column * (p.transposeB ? leadingB : 1))
            let product = ThreadProduct(
                dtype: c.dtype, rows: tile.rows.count, columns: tile.columns.count, depth: p.depth,
                keep: p.accumulates ? 1 : 0)
            product.run(
                MatrixView(start: left, leading: leadingA, isTransposed: p.transposeA),
                MatrixView(start: right, leading: leadingB, isTransposed: p.transposeB),
                into: MatrixView(
                    start: c.at((tile.index * p.rows + row) * leadingC + column), leading: leadingC))
        }
    }

    /// Elements of b that are widened at a time: they stay in the cache until they are multiplied.
    private static let widenedElements = 1 << 20

    /// b of a narrower type than c, slab by slab of its rows.
    private func multiplyWidening(_ product: MatrixProduct, _ a: Tensor, _ b: Tensor, into c: Tensor) {
        guard product.batch == 1, !product.transposeA, product.leadingA == nil, product.leadingC == nil else {
            return multiplyDense(product, a, b.cast(to: c.dtype), into: c)
        }
        let (rows, width) =
            product.transposeB ? (product.columns, product.depth) : (product.depth, product.columns)
        let slab = min(rows, max(64, Self.widenedElements / max(width, 1) / 64 * 64))
        let wide = Tensor(empty: [slab, width], dtype: c.dtype, device: .cpu)
        var part = product
        (part.leadingA, part.leadingC) = (product.depth, product.columns)
        for first in stride(from: 0, to: rows, by: slab) {
            let count = min(slab, rows - first)
            let rowsOfB = wide.viewed(as: [count, width])
            cast(b.viewed(as: [count, width], byteOffset: first * width * b.dtype.byteWidth), into: rowsOfB)
            if product.transposeB {
                part.columns = count
                multiplyDense(part, a, rowsOfB, into: c.from(element: first))
            } else {
                part.depth = count
                part.accumulates = product.accumulates || first > 0
                multiplyDense(part, a.from(element: first), rowsOfB, into: c)
            }
        }
        if rows == 0, !product.accumulates { fill(c, with: 0) }
    }
}

extension Tensor {
    /// The elements from `element` on, for kernels that bring their own extents.
    func from(element: Int) -> Tensor {
        viewed(as: [elementCount - element], byteOffset: element * dtype.byteWidth)
    }
}

/// The library behind matrix products.
public enum MatrixLibrary {
    /// The processor family whose kernels OpenBLAS chose, or was told to use by `OPENBLAS_CORETYPE`.
    public static var core: String { String(cString: openblas_get_corename()) }
}
