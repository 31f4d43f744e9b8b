import CKernels

/// Where things lie.
extension Attention {
    /// One head's rows of an operand from `token` on.
    func view(_ operand: AttentionOperand, _ batch: Int, _ head: Int, _ token: Int) -> MatrixView {
        let width = heads * headWidth
        let row = (batch * operand.tensor.shape[1] + token) * operand.slots + operand.slot
        return MatrixView(
            start: operand.tensor.at(row * width + head * headWidth), leading: operand.slots * width)
    }

    /// One head's rows of y or dy from `token` on.
    func rows(of output: Tensor, _ batch: Int, _ head: Int, _ token: Int) -> MatrixView {
        view(AttentionOperand(tensor: output, slot: 0, slots: 1), batch, head, token)
    }

    /// The tile of scores of some queries and keys; they are f64 where the operands are, and f32 otherwise.
    func withTile(
        _ operands: AttentionOperands, _ batch: Int, _ rows: Range<Int>, _ columns: Range<Int>, stride: Int,
        _ body: (UnsafePointer<ck_score_tile>) -> Void
    ) {
        let mask = operands.keyMask?.at(batch * keys + columns.lowerBound)
        // Query i sees the keys up to i + keys − queries.
        let visible = rows.lowerBound + 1 + keys - queries - columns.lowerBound
        let tile = ck_score_tile(
            type: operands.query.tensor.dtype == .float64 ? ck_f64 : ck_f32, rows: rows.count,
            columns: columns.count, stride: stride, causal: isCausal, visible: Int64(visible),
            mask: mask.map { UnsafePointer($0.assumingMemoryBound(to: Int32.self)) })
        withUnsafePointer(to: tile, body)
    }
}
