import CKernels

/// Products of packed panels, for which the processor has instructions: pairs of bf16, added two at a time and twice as
/// fast as widening to f32, and f32.
package enum PanelProducts {
    /// Turned off by tests, for the path of processors that have them not.
    @TaskLocal package static var areWanted = true

    package static func areUsed(for dtype: DType) -> Bool {
        guard areWanted else { return false }
        switch dtype {
        case .bfloat16: return ck_has_panel_products(ck_bf16)
        case .float32: return ck_has_panel_products(ck_f32)
        default: return false
        }
    }
}

/// How a matrix k×n of bf16 or f32, or n×k if transposed, is laid out for products: panels of columns, step by step
/// along the depth.
struct PackedPanels {
    static let panelWidth = Int(ck_panel_columns)

    let dtype: DType
    let columns: Int
    let depth: Int
    var isTransposed = false

    var panels: Int { (columns + Self.panelWidth - 1) / Self.panelWidth }
    /// Words of 4 bytes in a panel.
    var panelWords: Int { Self.panelWidth * ck_panel_steps(type, depth) }
    var panelBytes: Int { 4 * panelWords }
    private var type: ck_dtype { dtype == .bfloat16 ? ck_bf16 : ck_f32 }

    /// Room for the whole matrix, or for several.
    func scratch(_ count: Int = 1) -> Tensor {
        Tensor(empty: [count, panels * panelWords], dtype: .float32, device: .cpu)
    }

    // MARK: Packing

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
        var sizes = ck_panel_matrix(
            type: type, values: matrix.start, leading: matrix.leading, columns: columns, depth: depth,
            is_transposed: isTransposed)
        ck_panel_pack(&sizes, panel, packed)
    }

    // MARK: Products

    /// What `ck_panel_multiply` is to do: c = a · b, rounded to the type of the operands.
    func product(_ a: MatrixView, packed: UnsafeMutableRawPointer, into c: MatrixView) -> ck_panel_product {
        ck_panel_product(
            type: type, a: a.start, b: packed, c: c.start, leading_a: a.leading, leading_c: c.leading,
            columns: columns, depth: depth, pieces: 1, piece_stride: 0, step_b: Self.panelWidth,
            panel_b: panelWords, scale: 1, accumulates: false, is_wide: false,
            avoids_avx512: false)
    }

    /// c = scale · a · b, or c += scale · a · b, in f32, on the thread that calls.
    func multiply(
        rows: Int, _ a: MatrixView, packed: UnsafeMutableRawPointer, scale: Double = 1, adds: Bool = false,
        into c: MatrixView
    ) {
        var product = product(a, packed: packed, into: c)
        (product.scale, product.accumulates, product.is_wide) = (Float(scale), adds, true)
        for panel in 0..<panels { ck_panel_multiply(&product, 0, rows, panel) }
    }

    /// c = a · b, or c += a · b, with a b that lies as it is: f32, with room up to the next whole panel, it need not be
    /// packed.
    func multiply(rows: Int, _ a: MatrixView, by b: MatrixView, adds: Bool, into c: MatrixView) {
        guard dtype == .float32 else {
            let packed = scratch()
            pack(b, into: packed.pointer)
            return multiply(rows: rows, a, packed: packed.pointer, adds: adds, into: c)
        }
        var product = product(a, packed: b.start, into: c)
        (product.step_b, product.panel_b, product.accumulates) = (b.leading, Self.panelWidth, adds)
        for panel in 0..<panels { ck_panel_multiply(&product, 0, rows, panel) }
    }
}
