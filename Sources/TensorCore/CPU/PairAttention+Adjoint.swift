import CKernels

extension PairAttention {
    func runAdjoint(_ dy: Tensor, logSumExp: Tensor, delta: Tensor, into gradients: AttentionGradients) {
        Parallel.ranges(sizes.batch * sizes.heads, grain: 1) { range in
            let scratch = AdjointScratch(self)
            for place in range {
                let (batch, head) = place.quotientAndRemainder(dividingBy: sizes.heads)
                let step = AdjointStep(
                    batch: batch, head: head, upstream: sizes.rows(of: dy, batch, head, 0),
                    query: sizes.view(operands.query, batch, head, 0), scratch: scratch,
                    logSumExp: logSumExp.at(place * sizes.queries), delta: delta.at(place * sizes.queries))
                load(step)
                for tile in 0..<keyTiles.count { addTile(tile, step, gradients) }
                guard let dq = gradients.query else { continue }
                let target = sizes.view(dq, batch, head, 0)
                ck_narrow_strided(
                    ck_bf16, scratch.dq.floatPointer, sizes.headWidth, 1, target.start, target.leading,
                    sizes.queries, sizes.headWidth)
            }
        }
    }

    /// What all tiles of a head share.
    private func load(_ step: AdjointStep) {
        let scratch = step.scratch
        let key = sizes.view(operands.key, step.batch, step.head, 0)
        scratch.keys.load(key)
        scratch.keyRows.load(key)
        scratch.values.load(sizes.view(operands.value, step.batch, step.head, 0))
        transpose(step.query, into: scratch.queryColumns)
        transpose(step.upstream, into: scratch.upstreamColumns)
    }

    private func transpose(_ rows: MatrixView, into columns: Tensor) {
        let shape = [Int64(sizes.headWidth), Int64(sizes.queries)]
        ck_copy_strided(
            DType.bfloat16.byteWidth, 2, shape, [1, Int64(rows.leading)], rows.start,
            [Int64(sizes.queries), 1], columns.pointer)
    }

    /// One tile of keys: dk and dv of it, and its part of dq.
    private func addTile(_ tile: Int, _ step: AdjointStep, _ gradients: AttentionGradients) {
        let keys = keyTiles[tile]
        let scratch = step.scratch
        for index in 0..<queryTiles.count {
            let rows = queryTiles[index]
            slopes(step, rows, keys, tile)
            if gradients.value != nil {
                addTransposed(scratch.upstreamColumns, rows, scratch.weights, keys, into: scratch.dv)
            }
            guard gradients.query != nil || gradients.key != nil else { continue }
            if gradients.key != nil {
                addTransposed(scratch.queryColumns, rows, scratch.slopes, keys, into: scratch.dk)
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
                ck_bf16, sums.floatPointer, 1, scoreStride, target.start, target.leading, keys.count,
                sizes.headWidth)
        }
    }

    /// p = e^(s − lse) and ds = p ∘ (dp − δ) · scale of a tile, dp = dy vᵀ, rounded to bf16.
    private func slopes(_ step: AdjointStep, _ rows: Range<Int>, _ keys: Range<Int>, _ tile: Int) {
        let (scratch, width) = (step.scratch, DType.float32.byteWidth)
        let p = MatrixView(start: scratch.scores.pointer, leading: scoreStride)
        let ds = MatrixView(start: scratch.scoreSlopes.pointer, leading: scoreStride)
        scratch.keys.multiply(
            tile, rows: rows.count, step.query.from(row: rows.lowerBound), scale: sizes.scale, into: p)
        scratch.values.multiply(
            tile, rows: rows.count, step.upstream.from(row: rows.lowerBound), into: ds)
        sizes.withTile(operands, step.batch, rows, keys, stride: scoreStride) { tile in
            ck_softmax_tile_adjoint(
                tile, p.start, ds.start, step.logSumExp + rows.lowerBound * width,
                step.delta + rows.lowerBound * width, sizes.scale)
        }
        for (wide, rounded) in [(p, scratch.weights), (ds, scratch.slopes)] {
            ck_cast(ck_f32, wide.start, ck_bf16, rounded.pointer, rows.count * scoreStride)
        }
    }

    /// sums[w, key] = Σ a[w, query] · tile[query, key] over the queries of the tile, or += after the first tile.
    private func addTransposed(
        _ a: Tensor, _ rows: Range<Int>, _ tile: Tensor, _ keys: Range<Int>, into sums: Tensor
    ) {
        let layout = PackedPairs(columns: keys.count, depth: rows.count)
        let packed = layout.scratch()
        layout.pack(MatrixView(start: tile.pointer, leading: scoreStride), into: packed.pointer)
        layout.multiply(
            rows: sizes.headWidth, MatrixView(start: a.at(rows.lowerBound), leading: sizes.queries),
            packed: packed.pointer, adds: rows.lowerBound > 0,
            into: MatrixView(start: sums.pointer, leading: scoreStride))
    }
}

extension MatrixView {
    /// The rows of a bf16 matrix from one on.
    fileprivate func from(row: Int) -> MatrixView {
        MatrixView(start: start + row * leading * DType.bfloat16.byteWidth, leading: leading)
    }
}

/// What stays the same while one head's adjoint goes over its tiles.
private struct AdjointStep {
    let batch: Int
    let head: Int
    let upstream: MatrixView
    let query: MatrixView
    let scratch: AdjointScratch
    let logSumExp: UnsafeMutableRawPointer
    let delta: UnsafeMutableRawPointer
}

/// What a thread needs for the adjoint of a head.
private struct AdjointScratch {
    /// kᵀ and vᵀ, and k.
    let keys: PackedTiles
    let values: PackedTiles
    let keyRows: PackedTiles
    /// qᵀ and dyᵀ, of all queries.
    let queryColumns: Tensor
    let upstreamColumns: Tensor
    /// Of one tile, in f32, and rounded to bf16.
    let scores: Tensor
    let scoreSlopes: Tensor
    let weights: Tensor
    let slopes: Tensor
    /// f32: dq of all queries, and dkᵀ and dvᵀ of one tile.
    let dq: Tensor
    let dk: Tensor
    let dv: Tensor

    init(_ attention: PairAttention) {
        let (queries, width) = (attention.sizes.queries, attention.sizes.headWidth)
        keys = PackedTiles(attention.keyTiles, width: width, areColumns: true)
        values = PackedTiles(attention.keyTiles, width: width, areColumns: true)
        keyRows = PackedTiles(attention.keyTiles, width: width, areColumns: false)
        queryColumns = Tensor(empty: [width, queries], dtype: .bfloat16, device: .cpu)
        upstreamColumns = queryColumns.emptyLike()
        scores = Tensor(
            empty: [attention.queryTiles.extent, attention.scoreStride], dtype: .float32, device: .cpu)
        scoreSlopes = scores.emptyLike()
        weights = scores.emptyLike(dtype: .bfloat16)
        slopes = weights.emptyLike()
        dq = scores.emptyLike(shape: [queries, width])
        dk = scores.emptyLike(shape: [width, attention.scoreStride])
        dv = dk.emptyLike()
    }
}
