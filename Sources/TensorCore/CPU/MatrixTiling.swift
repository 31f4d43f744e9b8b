/// How a matrix product is cut into the pieces that threads take.
///
/// OpenBLAS gives other bits where its own threads cut, so it runs on one thread, and the cuts here depend on the
/// sizes alone: results are the same on any number of threads.
struct MatrixTiling {
    /// A block of rows, or of columns, of one product of the batch.
    struct Tile {
        let index: Int
        let rows: Range<Int>
        let columns: Range<Int>
    }

    /// Work of a tile below which handing it to a thread costs too much, in multiply-adds.
    private static let leastWork = 1 << 22
    /// Each tile packs the whole other operand again; as many rows share the cost.
    private static let leastExtent = 256
    private static let mostTiles = 16

    private let product: MatrixProduct
    private let extent: Int
    private let tilesPerProduct: Int

    init(_ product: MatrixProduct) {
        self.product = product
        let length = max(product.rows, product.columns)
        let work = product.rows * product.columns * product.depth
        let wanted = min(Self.mostTiles, length / Self.leastExtent, work / Self.leastWork)
        // Multiples of 64 keep OpenBLAS on its widest inner loops.
        extent = wanted > 1 ? ((length + wanted - 1) / wanted + 63) / 64 * 64 : max(length, 1)
        tilesPerProduct = (length + extent - 1) / extent
    }

    /// Runs `body` once for each tile.
    func forEachTile(_ body: @Sendable (Tile) -> Void) {
        let work = product.rows * product.columns * product.depth / max(tilesPerProduct, 1)
        let grain = max(1, Self.leastWork / 4 / max(work, 1))
        Parallel.ranges(product.batch * tilesPerProduct, grain: grain) { range in
            for tile in range { body(self.tile(tile)) }
        }
    }

    private func tile(_ number: Int) -> Tile {
        let (index, place) = number.quotientAndRemainder(dividingBy: tilesPerProduct)
        let (rows, columns) = (0..<product.rows, 0..<product.columns)
        let part = (place * extent)..<min((place + 1) * extent, max(rows.count, columns.count))
        return rows.count >= columns.count
            ? Tile(index: index, rows: part, columns: columns)
            : Tile(index: index, rows: rows, columns: part)
    }
}
