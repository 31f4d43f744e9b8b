import CKernels

extension CPUBackend {
    public func attentionType(_ attention: Attention, storedAs type: DType) -> DType {
        if PackedAttention.suits(attention, type) { return type }
        return type.byteWidth == 2 ? .float32 : type
    }

    public func attention(
        _ attention: Attention, _ operands: AttentionOperands, into y: Tensor, logSumExp: Tensor
    ) {
        if PackedAttention.suits(attention, y.dtype) {
            return PackedAttention(sizes: attention, operands: operands).run(into: y, logSumExp: logSumExp)
        }
        TiledAttention(sizes: attention, operands: operands).run(into: y, logSumExp: logSumExp)
    }

    public func attentionAdjoint(
        _ attention: Attention, _ operands: AttentionOperands, y: Tensor, logSumExp: Tensor, _ dy: Tensor,
        into gradients: AttentionGradients
    ) {
        // δ = Σ dy ∘ y over each head's output: Dao and others 2022, algorithm 4, line 4.
        let delta = logSumExp.emptyLike()
        Parallel.ranges(attention.batch * attention.heads, grain: 1) { range in
            for place in range {
                let (batch, head) = place.quotientAndRemainder(dividingBy: attention.heads)
                ck_row_dots(
                    y.kernelType, attention.rows(of: dy, batch, head, 0).start,
                    attention.rows(of: y, batch, head, 0).start,
                    attention.queries, attention.headWidth, attention.heads * attention.headWidth,
                    delta.at(place * attention.queries))
            }
        }
        if PackedAttention.suits(attention, y.dtype) {
            return PackedAttention(sizes: attention, operands: operands)
                .runAdjoint(dy, logSumExp: logSumExp, delta: delta, into: gradients)
        }
        let tiled = TiledAttention(sizes: attention, operands: operands)
        tiled.runAdjoint(dy, logSumExp: logSumExp, delta: delta, into: gradients)
    }
}

/// Attention in tiles of the score matrix that stay in the cache.
struct TiledAttention {
    private static let queriesPerTile = 256
    private static let keysPerTile = 256

    let sizes: Attention
    let operands: AttentionOperands

    private var dtype: DType { operands.query.tensor.dtype }
    private var queryTiles: Blocks { Blocks(sizes.queries, largest: Self.queriesPerTile) }
    private var keyTiles: Blocks { Blocks(sizes.keys, largest: Self.keysPerTile) }

    /// Columns of the scratch for a tile: whole blocks of 64, as the kernels want them.
    private var scoreStride: Int { (keyTiles.extent + 63) / 64 * 64 }

    private func scoreScratch() -> Tensor {
        Tensor(empty: [queryTiles.extent, scoreStride], dtype: dtype, device: .cpu)
    }

    // MARK: Forward

    func run(into y: Tensor, logSumExp: Tensor) {
        let tiles = queryTiles
        Parallel.ranges(sizes.batch * sizes.heads * tiles.count, grain: 1) { range in
            let scores = scoreScratch()
            let largest = Tensor(empty: [tiles.extent], dtype: dtype, device: .cpu)
            let sums = Tensor(empty: [tiles.extent], dtype: .float64, device: .cpu)
            for unit in range {
                let (place, tile) = unit.quotientAndRemainder(dividingBy: tiles.count)
                let (batch, head) = place.quotientAndRemainder(dividingBy: sizes.heads)
                let rows = tiles[tile]
                y.backend.fill(largest, with: -.infinity)
                y.backend.fill(sums, with: 0)
                addValues(batch, head, rows, scores, largest, sums, into: y)
                ck_softmax_finish(
                    y.kernelType, largest.pointer, sums.doublePointer,
                    logSumExp.at(place * sizes.queries + rows.lowerBound), rows.count,
                    sizes.rows(of: y, batch, head, rows.lowerBound).start, sizes.headWidth,
                    sizes.heads * sizes.headWidth)
            }
        }
    }

    /// Σ over key tiles of e^(s − max) v, not yet divided by the sum.
    private func addValues(
        _ batch: Int, _ head: Int, _ rows: Range<Int>, _ scores: Tensor, _ largest: Tensor, _ sums: Tensor,
        into y: Tensor
    ) {
        let output = sizes.rows(of: y, batch, head, rows.lowerBound)
        for index in 0..<keyTiles.count {
            let keys = keyTiles[index]
            score(batch, head, rows, keys, into: scores)
            sizes.withTile(operands, batch, rows, keys, stride: scoreStride) { tile in
                ck_softmax_tile(
                    tile, scores.pointer, largest.pointer, sums.doublePointer, output.start, sizes.headWidth,
                    output.leading)
            }
            let product = ThreadProduct(
                dtype: dtype, rows: rows.count, columns: sizes.headWidth, depth: keys.count,
                keep: index == 0 ? 0 : 1)
            product.run(
                MatrixView(start: scores.pointer, leading: scoreStride),
                sizes.view(operands.value, batch, head, keys.lowerBound), into: output)
        }
    }

    /// s = scale · q kᵀ.
    private func score(_ batch: Int, _ head: Int, _ rows: Range<Int>, _ keys: Range<Int>, into scores: Tensor)
    {
        let key = sizes.view(operands.key, batch, head, keys.lowerBound)
        let product = ThreadProduct(
            dtype: dtype, rows: rows.count, columns: keys.count, depth: sizes.headWidth, scale: sizes.scale)
        product.run(
            sizes.view(operands.query, batch, head, rows.lowerBound),
            key.transposed,
            into: MatrixView(start: scores.pointer, leading: scoreStride))
    }

    // MARK: Adjoint

    /// Parts of the keys that threads take, where there are few heads: a number that depends on the sizes alone.
    private var keyParts: Blocks {
        let wanted = max(1, 8 / max(1, sizes.batch * sizes.heads))
        return Blocks(keyTiles.count, largest: max(1, keyTiles.count / min(wanted, keyTiles.count)))
    }

    func runAdjoint(_ dy: Tensor, logSumExp: Tensor, delta: Tensor, into gradients: AttentionGradients) {
        let parts = keyParts
        // Each part of the keys has its own dq; with one part, that is the gradient itself.
        let partial =
            parts.count == 1
            ? nil
            : gradients.query.map { _ in
                Tensor(empty: Shape([parts.count] + dy.shape.dimensions), dtype: dtype, device: .cpu)
            }
        Parallel.ranges(sizes.batch * sizes.heads * parts.count, grain: 1) { range in
            let (scores, slopes) = (scoreScratch(), scoreScratch())
            for unit in range {
                let (place, part) = unit.quotientAndRemainder(dividingBy: parts.count)
                let (batch, head) = place.quotientAndRemainder(dividingBy: sizes.heads)
                let dq = partial.map { $0.viewed(as: dy.shape, byteOffset: part * dy.byteCount) }
                    .map { AttentionOperand(tensor: $0, slot: 0, slots: 1) }
                let step = AdjointStep(
                    batch: batch, head: head, dy: dy, logSumExp: logSumExp, delta: delta, scores: scores,
                    slopes: slopes,
                    gradients: AttentionGradients(
                        query: dq ?? gradients.query, key: gradients.key, value: gradients.value))
                for (order, tile) in parts[part].enumerated() {
                    for query in 0..<queryTiles.count {
                        add(
                            step, queryTiles[query], keyTiles[tile], isFirstKeys: order == 0,
                            isFirstQueries: query == 0)
                    }
                }
            }
        }
        if let partial, let dq = gradients.query { sum(partial, into: dq) }
    }

    /// One tile: dv += pᵀ dy, dp = dy vᵀ, ds = p ∘ (dp − δ) · scale, dq += ds k, dk += dsᵀ q.
    private func add(
        _ step: AdjointStep, _ rows: Range<Int>, _ keys: Range<Int>, isFirstKeys: Bool, isFirstQueries: Bool
    ) {
        let (batch, head) = (step.batch, step.head)
        let upstream = sizes.rows(of: step.dy, batch, head, rows.lowerBound)
        let value = sizes.view(operands.value, batch, head, keys.lowerBound)
        let p = MatrixView(start: step.scores.pointer, leading: scoreStride)
        let ds = MatrixView(start: step.slopes.pointer, leading: scoreStride)
        score(batch, head, rows, keys, into: step.scores)
        ThreadProduct(dtype: dtype, rows: rows.count, columns: keys.count, depth: sizes.headWidth)
            .run(upstream, value.transposed, into: ds)
        let statistics = (batch * sizes.heads + head) * sizes.queries + rows.lowerBound
        sizes.withTile(operands, batch, rows, keys, stride: scoreStride) { tile in
            ck_softmax_tile_adjoint(
                tile, p.start, ds.start, step.logSumExp.at(statistics), step.delta.at(statistics), sizes.scale
            )
        }
        let overQueries = ThreadProduct(
            dtype: dtype, rows: keys.count, columns: sizes.headWidth, depth: rows.count,
            keep: isFirstQueries ? 0 : 1)
        if let dv = step.gradients.value {
            overQueries.run(p.transposed, upstream, into: sizes.view(dv, batch, head, keys.lowerBound))
        }
        if let dk = step.gradients.key {
            overQueries.run(
                ds.transposed, sizes.view(operands.query, batch, head, rows.lowerBound),
                into: sizes.view(dk, batch, head, keys.lowerBound))
        }
        if let dq = step.gradients.query {
            let overKeys = ThreadProduct(
                dtype: dtype, rows: rows.count, columns: sizes.headWidth, depth: keys.count,
                keep: isFirstKeys ? 0 : 1)
            overKeys.run(
                ds, sizes.view(operands.key, batch, head, keys.lowerBound),
                into: sizes.view(dq, batch, head, rows.lowerBound))
        }
    }

    /// dq as the sum of its parts, taken to its slot.
    private func sum(_ partial: Tensor, into dq: AttentionOperand) {
        let backend = partial.backend
        let width = sizes.heads * sizes.headWidth
        let whole = Tensor(empty: [sizes.batch * sizes.queries, width], dtype: dtype, device: .cpu)
        backend.reduce(
            .sum, partial, outer: 1, extent: partial.shape[0], inner: whole.elementCount, into: whole)
        backend.copyStrided(
            shape: whole.shape.dimensions, from: whole, offset: 0, strides: [width, 1], into: dq.tensor,
            offset: dq.slot * width, strides: [dq.slots * width, 1])
    }
}

/// What stays the same while one head's adjoint goes over its tiles.
private struct AdjointStep {
    let batch: Int
    let head: Int
    let dy: Tensor
    let logSumExp: Tensor
    let delta: Tensor
    let scores: Tensor
    let slopes: Tensor
    let gradients: AttentionGradients
}
