import CKernels

/// The processor's own instruction for products of bf16, which adds two products at a time: twice as fast as widening
/// to f32.
package enum PairInstruction {
    /// Turned off by tests, for the path of processors that have it not.
    @TaskLocal package static var isWanted = true

    package static var isUsed: Bool { isWanted && ck_has_pair_products() }
}

/// A product of bf16 matrices by `PairInstruction`.
///
/// b is packed once, then threads take blocks of rows by groups of columns. Every element is summed over the whole
/// depth in order, so results do not depend on the cuts.
struct PairProduct {
    /// A block of a, a few hundred kilobytes, stays in a thread's cache while columns pass by.
    private static let rowsPerBlock = 96
    private static let panelsPerGroup = 16

    private let product: MatrixProduct
    private let a: Tensor
    private let b: Tensor

    static func suits(_ product: MatrixProduct, _ a: Tensor, _ b: Tensor, _ c: Tensor) -> Bool {
        product.batch == 1 && product.depth > 0 && !(product.transposeA && product.leadingA != nil)
            && [a, b, c].allSatisfy { $0.dtype == .bfloat16 } && PairInstruction.isUsed
    }

    /// - Parameter a: k×m is turned into m×k, in which pairs lie beside each other.
    init(_ product: MatrixProduct, _ a: Tensor, _ b: Tensor) {
        (self.product, self.b) = (product, b)
        guard product.transposeA else {
            self.a = a
            return
        }
        self.a = a.emptyLike(shape: [product.rows, product.depth])
        a.backend.copyStrided(
            shape: [product.rows, product.depth], from: a, offset: 0, strides: [1, product.rows],
            into: self.a, offset: 0, strides: [product.depth, 1])
    }

    func run(into c: Tensor) {
        let packed = PackedPairs(
            columns: product.columns, depth: product.depth, isTransposed: product.transposeB)
        let pairs = packed.scratch()
        packed.pack(b.pointer, leading: product.transposeB ? product.depth : product.columns, into: pairs)
        let blocks = Blocks(product.rows, largest: Self.rowsPerBlock, multipleOf: 12)
        let groups = Blocks(packed.panels, largest: Self.panelsPerGroup)
        Parallel.ranges(blocks.count * groups.count, grain: 1) { range in
            var sizes = ck_pair_product(
                a: a.pointer, packed: pairs.pointer, c: c.pointer,
                leading_a: product.leadingA ?? product.depth, leading_c: product.leadingC ?? product.columns,
                columns: product.columns, depth: product.depth, pieces: 1, piece_stride: 0, scale: 1,
                accumulates: product.accumulates, is_wide: false)
            for unit in range {
                let (rows, group) = (blocks[unit / groups.count], groups[unit % groups.count])
                for panel in group { ck_pair_multiply(&sizes, rows.lowerBound, rows.upperBound, panel) }
            }
        }
    }
}

/// How a bf16 matrix k×n, or n×k if transposed, is laid out for products: panels of columns, pair by pair along the
/// depth.
struct PackedPairs {
    static let panelWidth = Int(ck_pair_columns)

    let columns: Int
    let depth: Int
    var isTransposed = false

    var panels: Int { (columns + Self.panelWidth - 1) / Self.panelWidth }
    /// Bytes of a panel.
    var panelBytes: Int { Self.panelWidth * ((depth + 1) / 2) * 4 }

    /// Room for the whole matrix, or for several.
    func scratch(_ count: Int = 1) -> Tensor {
        Tensor(empty: [count, panels * panelBytes / 4], dtype: .float32, device: .cpu)
    }

    /// - Parameter leading: elements from one row of the matrix to the next.
    func pack(_ values: UnsafeMutableRawPointer, leading: Int, into packed: Tensor) {
        let matrix = MatrixView(start: values, leading: leading)
        Parallel.ranges(panels, grain: max(1, (1 << 16) / (Self.panelWidth * depth))) { range in
            for panel in range { pack(matrix, panel, into: packed.pointer + panel * panelBytes) }
        }
    }

    /// All panels, on the thread that calls.
    func pack(_ matrix: MatrixView, into packed: UnsafeMutableRawPointer) {
        for panel in 0..<panels { pack(matrix, panel, into: packed + panel * panelBytes) }
    }

    func pack(_ matrix: MatrixView, _ panel: Int, into packed: UnsafeMutableRawPointer) {
        var sizes = ck_pair_matrix(
            values: matrix.start, leading: matrix.leading, columns: columns, depth: depth,
            is_transposed: isTransposed)
        ck_pair_pack(&sizes, panel, packed)
    }

    /// c = scale · a · b, or c += scale · a · b, in f32, on the thread that calls.
    func multiply(
        rows: Int, _ a: MatrixView, packed: UnsafeMutableRawPointer, scale: Double = 1, adds: Bool = false,
        into c: MatrixView
    ) {
        var sizes = ck_pair_product(
            a: a.start, packed: packed, c: c.start, leading_a: a.leading, leading_c: c.leading,
            columns: columns, depth: depth, pieces: 1, piece_stride: 0, scale: Float(scale),
            accumulates: adds, is_wide: true)
        for panel in 0..<panels { ck_pair_multiply(&sizes, 0, rows, panel) }
    }
}
