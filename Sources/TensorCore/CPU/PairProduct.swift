import CKernels

/// A product of bf16 matrices by the processor's own instruction for it, which adds two products at a time: twice as
/// fast as widening to f32.
///
/// b is packed once, then threads take blocks of rows by groups of columns. Every element is summed over the whole
/// depth in order, so results do not depend on the cuts.
struct PairProduct {
    /// A block of a, a few hundred kilobytes, stays in a thread's cache while columns pass by.
    private static let rowsPerBlock = 96
    private static let panelsPerGroup = 16
    private static let panelWidth = Int(ck_pair_columns)

    private let product: MatrixProduct
    private let a: Tensor
    private let b: Tensor

    static func suits(_ product: MatrixProduct, _ a: Tensor, _ b: Tensor, _ c: Tensor) -> Bool {
        product.batch == 1 && !product.transposeA && product.depth > 0
            && [a, b, c].allSatisfy { $0.dtype == .bfloat16 } && ck_has_pair_products()
    }

    init(_ product: MatrixProduct, _ a: Tensor, _ b: Tensor) {
        (self.product, self.a, self.b) = (product, a, b)
    }

    func run(into c: Tensor) {
        let packed = packed()
        let panels = (product.columns + Self.panelWidth - 1) / Self.panelWidth
        let blocks = Blocks(product.rows, largest: Self.rowsPerBlock, multipleOf: 12)
        let groups = Blocks(panels, largest: Self.panelsPerGroup)
        let sizes = ck_pair_product(
            a: a.pointer, packed: packed.pointer, c: c.pointer,
            leading_a: product.leadingA ?? product.depth, leading_c: product.leadingC ?? product.columns,
            columns: product.columns, depth: product.depth, accumulates: product.accumulates)
        let shared = UnsafeSizes(value: sizes)
        Parallel.ranges(blocks.count * groups.count, grain: 1) { range in
            for unit in range {
                let (rows, group) = (blocks[unit / groups.count], groups[unit % groups.count])
                for panel in group {
                    withUnsafePointer(to: shared.value) {
                        ck_pair_multiply($0, rows.lowerBound, rows.upperBound, panel)
                    }
                }
            }
        }
        withExtendedLifetime(packed) {}
    }

    private func packed() -> Tensor {
        let (columns, depth) = (product.columns, product.depth)
        let packed = Tensor(
            empty: [ck_pair_packed_count(columns, depth)], dtype: .float32, device: .cpu)
        let matrix = UnsafeSizes(
            value: ck_pair_matrix(
                values: b.pointer, leading: product.transposeB ? depth : columns, columns: columns,
                depth: depth, is_transposed: product.transposeB))
        let panels = (columns + Self.panelWidth - 1) / Self.panelWidth
        Parallel.ranges(panels, grain: max(1, (1 << 16) / (Self.panelWidth * depth))) { range in
            for panel in range {
                withUnsafePointer(to: matrix.value) { ck_pair_pack($0, panel, packed.pointer) }
            }
        }
        return packed
    }
}

/// Lets threads share addresses that outlive them.
private struct UnsafeSizes<Value>: @unchecked Sendable {
    let value: Value
}
