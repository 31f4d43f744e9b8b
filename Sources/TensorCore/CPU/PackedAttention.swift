import CKernels

/// Attention of bf16 or f32 operands by `PanelProducts`, in tiles as `TiledAttention`.
///
/// Scores, softmax and all sums are f32. What goes into another product is rounded to the operands' type for it:
/// exponentials before they weigh the values, and in the adjoint the slopes of the scores.
struct PackedAttention {
    /// Scores of a tile, and what becomes of them, stay in a thread's cache.
    private static let queriesPerTile = 192
    private static let keysPerTile = 128
    /// With fewer heads, `TiledAttention` shares out the keys.
    private static let leastHeads = 4

    let sizes: Attention
    let operands: AttentionOperands

    static func suits(_ sizes: Attention, _ dtype: DType) -> Bool {
        sizes.batch * sizes.heads >= leastHeads && sizes.queries > 0 && sizes.headWidth > 0
            && PanelProducts.areUsed(for: dtype)
    }

    var dtype: DType { operands.query.tensor.dtype }
    var queryTiles: Blocks { Blocks(sizes.queries, largest: Self.queriesPerTile, multipleOf: 12) }
    var keyTiles: Blocks {
        Blocks(sizes.keys, largest: Self.keysPerTile, multipleOf: PackedPanels.panelWidth)
    }

    /// Columns of the scratch for a tile: whole blocks of 64, as the kernels want them, and a cache line more, so that
    /// a column's elements do not all fall into the same few sets of the cache.
    var scoreStride: Int { (keyTiles.extent + 63) / 64 * 64 + 16 }

    // MARK: Forward

    func run(into y: Tensor, logSumExp: Tensor) {
        let tiles = queryTiles
        Parallel.ranges(sizes.batch * sizes.heads * tiles.count, grain: 1) { range in
            let scratch = ForwardScratch(self)
            var loaded: Int?
            for unit in range {
                let (place, tile) = unit.quotientAndRemainder(dividingBy: tiles.count)
                let (batch, head) = place.quotientAndRemainder(dividingBy: sizes.heads)
                if loaded != place {
                    scratch.keys.load(sizes.view(operands.key, batch, head, 0))
                    scratch.values.load(sizes.view(operands.value, batch, head, 0))
                }
                loaded = place
                let rows = tiles[tile]
                addValues(batch, head, rows, scratch)
                ck_softmax_finish(
                    ck_f32, scratch.largest.pointer, scratch.sums.doublePointer,
                    logSumExp.at(place * sizes.queries + rows.lowerBound), rows.count,
                    scratch.output.pointer, sizes.headWidth, sizes.headWidth)
                let target = sizes.rows(of: y, batch, head, rows.lowerBound)
                ck_narrow_strided(
                    y.kernelType, scratch.output.floatPointer, sizes.headWidth, 1, target.start,
                    target.leading, rows.count, sizes.headWidth)
            }
        }
    }

    /// Σ over key tiles of e^(s − max) v, not yet divided by the sum.
    private func addValues(_ batch: Int, _ head: Int, _ rows: Range<Int>, _ scratch: ForwardScratch) {
        let backend = scratch.output.backend
        backend.fill(scratch.largest, with: -.infinity)
        backend.fill(scratch.sums, with: 0)
        let query = sizes.view(operands.query, batch, head, rows.lowerBound)
        for index in 0..<keyTiles.count {
            let keys = keyTiles[index]
            scratch.keys.multiply(
                index, rows: rows.count, query, scale: sizes.scale,
                into: MatrixView(start: scratch.scores.pointer, leading: scoreStride))
            sizes.withTile(operands, batch, rows, keys, stride: scoreStride) { tile in
                ck_softmax_tile(
                    tile, scratch.scores.pointer, scratch.largest.pointer, scratch.sums.doublePointer,
                    scratch.output.pointer, sizes.headWidth, sizes.headWidth)
            }
            round(scratch.scores, into: scratch.weights, rows: rows.count)
            scratch.values.multiply(
                index, rows: rows.count,
                MatrixView(start: scratch.weights.pointer, leading: scoreStride), adds: index > 0,
                into: MatrixView(start: scratch.output.pointer, leading: sizes.headWidth))
        }
    }

    /// Room for a tile once it is rounded.
    func roomForRounded(_ tile: Tensor) -> Tensor {
        dtype == .float32 ? tile : tile.emptyLike(dtype: dtype)
    }

    /// Some rows of a tile, rounded to the operands' type; f32 stays where it is.
    func round(_ tile: Tensor, into rounded: Tensor, rows: Int) {
        guard dtype != .float32 else { return }
        ck_cast(ck_f32, tile.pointer, rounded.kernelType, rounded.pointer, rows * scoreStride)
    }
}

/// What a thread needs for the tiles of a head.
private struct ForwardScratch {
    let keys: PackedTiles
    let values: PackedTiles
    /// f32, and rounded to the operands' type; the same where that is f32.
    let scores: Tensor
    let weights: Tensor
    let largest: Tensor
    let sums: Tensor
    let output: Tensor

    init(_ attention: PackedAttention) {
        let (rows, width) = (attention.queryTiles.extent, attention.sizes.headWidth)
        keys = PackedTiles(attention, areColumns: true)
        values = PackedTiles(attention, areColumns: false)
        scores = Tensor(empty: [rows, attention.scoreStride], dtype: .float32, device: .cpu)
        weights = attention.roomForRounded(scores)
        largest = scores.emptyLike(shape: [rows])
        sums = largest.emptyLike(dtype: .float64)
        output = scores.emptyLike(shape: [rows, width])
    }
}

/// A head's keys or values, packed tile by tile: as the columns of a product, or as its depth.
struct PackedTiles {
    private let tiles: Blocks
    private let width: Int
    private let dtype: DType
    private let areColumns: Bool
    private let storage: Tensor

    init(_ attention: PackedAttention, areColumns: Bool) {
        (tiles, width) = (attention.keyTiles, attention.sizes.headWidth)
        (dtype, self.areColumns) = (attention.dtype, areColumns)
        storage = Self.layout(dtype, tiles.extent, width, areColumns).scratch(tiles.count)
    }

    private static func layout(_ dtype: DType, _ tokens: Int, _ width: Int, _ areColumns: Bool)
        -> PackedPanels
    {
        areColumns
            ? PackedPanels(dtype: dtype, columns: tokens, depth: width, isTransposed: true)
            : PackedPanels(dtype: dtype, columns: width, depth: tokens)
    }

    private func layout(_ tokens: Int) -> PackedPanels { Self.layout(dtype, tokens, width, areColumns) }

    private func start(_ tile: Int) -> UnsafeMutableRawPointer { storage.at(tile * storage.shape[1]) }

    /// - Parameter rows: one for each token.
    func load(_ rows: MatrixView) {
        for tile in 0..<tiles.count {
            let tokens = tiles[tile]
            let first = rows.start + tokens.lowerBound * rows.leading * dtype.byteWidth
            layout(tokens.count).pack(
                MatrixView(start: first, leading: rows.leading), into: start(tile))
        }
    }

    /// c = scale · a · b, or c += scale · a · b, with a tile for b.
    func multiply(
        _ tile: Int, rows: Int, _ a: MatrixView, scale: Double = 1, adds: Bool = false, into c: MatrixView
    ) {
        layout(tiles[tile].count).multiply(
            rows: rows, a, packed: start(tile), scale: scale, adds: adds, into: c)
    }
}
