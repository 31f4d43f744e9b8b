import CKernels

extension PackedAttention {
    func runAdjoint(_ dy: Tensor, logSumExp: Tensor, delta: Tensor, into gradients: AttentionGradients) {
        Parallel.ranges(sizes.batch * sizes.heads, grain: 1) { range in
            let scratch = AdjointScratch(self)
            for place in range {
                let (batch, head) = place.quotientAndRemainder(dividingBy: sizes.heads)
                let step = AdjointStep(
                    batch: batch, head: head, scratch: scratch,
                    logSumExp: logSumExp.at(place * sizes.queries), delta: delta.at(place * sizes.queries))
                load(step, upstream: sizes.rows(of: dy, batch, head, 0))
                for tile in 0..<keyTiles.count { addTile(tile, step, gradients) }
                guard let dq = gradients.query else { continue }
                let target = sizes.view(dq, batch, head, 0)
                ck_narrow_strided(
                    dq.tensor.kernelType, scratch.dq.floatPointer, sizes.headWidth, 1, target.start,
                    target.leading, sizes.queries, sizes.headWidth)
            }
        }
    }

    /// What all tiles of a head share. Every tile of keys goes over all queries, so these lie tile by tile, without
    /// the other heads between their rows: up to half of the time of a product would go into fetching them.
    private func load(_ step: AdjointStep, upstream: MatrixView) {
        let scratch = step.scratch
        let key = sizes.view(operands.key, step.batch, step.head, 0)
        scratch.keys.load(key)
        scratch.keyRows.load(key)
        scratch.values.load(sizes.view(operands.value, step.batch, step.head, 0))
        copy(sizes.view(operands.query, step.batch, step.head, 0), scratch.query)
        copy(upstream, scratch.upstream)
    }

    private func copy(_ rows: MatrixView, _ copies: AdjointScratch.Copies) {
        let (width, bytes) = (sizes.headWidth, dtype.byteWidth)
        for index in 0..<queryTiles.count {
            let tile = queryTiles[index]
            let source = rows.start + tile.lowerBound * rows.leading * bytes
            let strides = [Int64(rows.leading), 1]
            ck_copy_strided(
                bytes, 2, [Int64(tile.count), Int64(width)], strides, source, [Int64(width), 1],
                copies.rows(from: tile.lowerBound).start)
            ck_copy_strided(
                bytes, 2, [Int64(width), Int64(tile.count)], strides.reversed(), source,
                [Int64(tile.count), 1], copies.columns(of: tile).start)
        }
    }

    /// One tile of keys: dk and dv of it, and its part of dq.
    private func addTile(_ tile: Int, _ step: AdjointStep, _ gradients: AttentionGradients) {
        let keys = keyTiles[tile]
        let scratch = step.scratch
        for index in 0..<queryTiles.count {
            let rows = queryTiles[index]
            slopes(step, rows, keys, tile)
            if gradients.value != nil {
                addTransposed(scratch.upstream, rows, scratch.weights, keys, into: scratch.dv)
            }
            guard gradients.query != nil || gradients.key != nil else { continue }
            if gradients.key != nil {
                addTransposed(scratch.query, rows, scratch.slopes, keys, into: scratch.dk)
            }
            if gradients.query != nil {
                scratch.keyRows.multiply(
                    tile, rows: rows.count,
                    MatrixView(start: scratch.slopes.pointer, leading: scoreStride), adds: tile > 0,
                    into: MatrixView(
                        start: scratch.dq.at(rows.lowerBound * sizes.headWidth), leading: sizes.headWidth))
            }
        }
        for (sums, gradient) in [(scratch.dk, gradients.key), (scratch.dv, gradients.value)] {
            guard let gradient else { continue }
            let target = sizes.view(gradient, step.batch, step.head, keys.lowerBound)
            ck_narrow_strided(
                gradient.tensor.kernelType, sums.floatPointer, 1, scoreStride, target.start, target.leading,
                keys.count, sizes.headWidth)
        }
    }

    /// p = e^(s − lse) and ds = p ∘ (dp − δ) · scale of a tile, dp = dy vᵀ, rounded to the operands' type.
    private func slopes(_ step: AdjointStep, _ rows: Range<Int>, _ keys: Range<Int>, _ tile: Int) {
        let (scratch, width) = (step.scratch, DType.float32.byteWidth)
        let p = MatrixView(start: scratch.scores.pointer, leading: scoreStride)
        let ds = MatrixView(start: scratch.scoreSlopes.pointer, leading: scoreStride)
        scratch.keys.multiply(
            tile, rows: rows.count, scratch.query.rows(from: rows.lowerBound), scale: sizes.scale, into: p)
        scratch.values.multiply(
            tile, rows: rows.count, scratch.upstream.rows(from: rows.lowerBound), into: ds)
        sizes.withTile(operands, step.batch, rows, keys, stride: scoreStride) { tile in
            ck_softmax_tile_adjoint(
                tile, p.start, ds.start, step.logSumExp + rows.lowerBound * width,
                step.delta + rows.lowerBound * width, sizes.scale)
        }
        round(scratch.scores, into: scratch.weights, rows: rows.count)
        round(scratch.scoreSlopes, into: scratch.slopes, rows: rows.count)
    }

    /// sums[w, key] = Σ a[w, query] · tile[query, key] over the queries of the tile, or += after the first tile.
    private func addTransposed(
        _ a: AdjointScratch.Copies, _ rows: Range<Int>, _ tile: Tensor, _ keys: Range<Int>, into sums: Tensor
    ) {
        PackedPanels(dtype: dtype, columns: keys.count, depth: rows.count).multiply(
            rows: sizes.headWidth, a.columns(of: rows),
            by: MatrixView(start: tile.pointer, leading: scoreStride), adds: rows.lowerBound > 0,
            into: MatrixView(start: sums.pointer, leading: scoreStride))
    }
}

/// What stays the same while one head's adjoint goes over its tiles.
private struct AdjointStep {
    let batch: Int
    let head: Int
    let scratch: AdjointScratch
    let logSumExp: UnsafeMutableRawPointer
    let delta: UnsafeMutableRawPointer
}

/// What a thread needs for the adjoint of a head.
private struct AdjointScratch {
    /// A head's q or dy, and the transposes of its tiles.
    struct Copies {
        private let width: Int
        private let all: Tensor
        private let transposed: Tensor

        init(_ attention: PackedAttention) {
            width = attention.sizes.headWidth
            all = Tensor(empty: [attention.sizes.queries, width], dtype: attention.dtype, device: .cpu)
            transposed = all.emptyLike()
        }

        func rows(from row: Int) -> MatrixView { MatrixView(start: all.at(row * width), leading: width) }

        func columns(of tile: Range<Int>) -> MatrixView {
            MatrixView(start: transposed.at(tile.lowerBound * width), leading: tile.count)
        }
    }

    /// kᵀ and vᵀ, and k.
    let keys: PackedTiles
    let values: PackedTiles
    let keyRows: PackedTiles
    let query: Copies
    let upstream: Copies
    /// Of one tile, in f32, and rounded to the operands' type; the same where that is f32.
    let scores: Tensor
    let scoreSlopes: Tensor
    let weights: Tensor
    let slopes: Tensor
    /// f32: dq of all queries, and dkᵀ and dvᵀ of one tile.
    let dq: Tensor
    let dk: Tensor
    let dv: Tensor

    init(_ attention: PackedAttention) {
        let (queries, width) = (attention.sizes.queries, attention.sizes.headWidth)
        keys = PackedTiles(attention, areColumns: true)
        values = PackedTiles(attention, areColumns: true)
        keyRows = PackedTiles(attention, areColumns: false)
        (query, upstream) = (Copies(attention), Copies(attention))
        scores = Tensor(
            empty: [attention.queryTiles.extent, attention.scoreStride], dtype: .float32, device: .cpu)
        scoreSlopes = scores.emptyLike()
        (weights, slopes) = (attention.roomForRounded(scores), attention.roomForRounded(scoreSlopes))
        dq = scores.emptyLike(shape: [queries, width])
        dk = scores.emptyLike(shape: [width, attention.scoreStride])
        dv = dk.emptyLike()
    }
}
