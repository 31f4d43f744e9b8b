import CKernels

/// A product of bf16 matrices by the processor's instruction for pairs.
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
            && [a, b, c].allSatisfy { $0.dtype == .bfloat16 } && PanelProducts.areUsed(for: .bfloat16)
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
        let layout = PackedPanels(
            dtype: .bfloat16, columns: product.columns, depth: product.depth,
            isTransposed: product.transposeB)
        let packed = layout.scratch()
        layout.pack(b.pointer, leading: product.transposeB ? product.depth : product.columns, into: packed)
        let blocks = Blocks(product.rows, largest: Self.rowsPerBlock, multipleOf: 12)
        let groups = Blocks(layout.panels, largest: Self.panelsPerGroup)
        Parallel.ranges(blocks.count * groups.count, grain: 1) { range in
            var sizes = layout.product(
                MatrixView(start: a.pointer, leading: product.leadingA ?? product.depth),
                packed: packed.pointer,
                into: MatrixView(start: c.pointer, leading: product.leadingC ?? product.columns))
            sizes.accumulates = product.accumulates
            for unit in range {
                let (rows, group) = (blocks[unit / groups.count], groups[unit % groups.count])
                for panel in group { ck_panel_multiply(&sizes, rows.lowerBound, rows.upperBound, panel) }
            }
        }
    }
}
