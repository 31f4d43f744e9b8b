import COpenBLAS

/// A matrix as BLAS sees it: where it starts and how far its rows lie apart, in elements.
///
/// Threads may share it while what it views lives.
struct MatrixView: @unchecked Sendable {
    let start: UnsafeMutableRawPointer
    let leading: Int
    var isTransposed = false

    /// The same elements, rows taken for columns.
    var transposed: MatrixView {
        MatrixView(start: start, leading: leading, isTransposed: !isTransposed)
    }

    fileprivate var operation: CBLAS_TRANSPOSE { isTransposed ? CblasTrans : CblasNoTrans }
    fileprivate var leading32: Int32 { Int32(max(1, leading)) }
}

/// c = scale · op(a) · op(b) + keep · c on the thread that calls, f32 or f64, row-major.
struct ThreadProduct {
    let dtype: DType
    let rows: Int
    let columns: Int
    let depth: Int
    var scale = 1.0
    var keep = 0.0

    func run(_ a: MatrixView, _ b: MatrixView, into c: MatrixView) {
        let (m, n, k) = (Int32(rows), Int32(columns), Int32(depth))
        if dtype == .float64 {
            cblas_dgemm(
                CblasRowMajor, a.operation, b.operation, m, n, k, scale,
                a.start.assumingMemoryBound(to: Double.self), a.leading32,
                b.start.assumingMemoryBound(to: Double.self), b.leading32, keep,
                c.start.assumingMemoryBound(to: Double.self), c.leading32)
        } else {
            cblas_sgemm(
                CblasRowMajor, a.operation, b.operation, m, n, k, Float(scale),
                a.start.assumingMemoryBound(to: Float.self), a.leading32,
                b.start.assumingMemoryBound(to: Float.self), b.leading32, Float(keep),
                c.start.assumingMemoryBound(to: Float.self), c.leading32)
        }
    }
}
