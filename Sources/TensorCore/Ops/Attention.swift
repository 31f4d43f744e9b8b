/// Attention of a device's op table.
public protocol AttentionKernels {
    /// The type in which operands that are stored in some type have to be given.
    func attentionType(_ attention: Attention, storedAs type: DType) -> DType
    /// y and the log-sum-exp of every row of scores, `[batch, heads, queries]`; no more than tiles of the scores exist.
    func attention(_ attention: Attention, _ operands: AttentionOperands, into y: Tensor, logSumExp: Tensor)
    /// Gradients where operands are given for them; the scores are computed again.
    func attentionAdjoint(
        _ attention: Attention, _ operands: AttentionOperands, y: Tensor, logSumExp: Tensor, _ dy: Tensor,
        into gradients: AttentionGradients)
}

/// Sizes of an attention.
public struct Attention: Sendable {
    public let batch: Int
    public let queries: Int
    public let keys: Int
    public let heads: Int
    /// Elements of one head's query, key or value.
    public let headWidth: Int
    /// Factor of q · k, usually 1/√headWidth.
    public let scale: Double
    /// Whether the last query sees all keys, the one before it all but the last, and so on.
    public let isCausal: Bool
}

/// One of several projections that lie side by side: part `slot` of `[batch, tokens, slots, heads, headWidth]`.
public struct AttentionOperand: Sendable {
    public let tensor: Tensor
    public let slot: Int
    public let slots: Int
}

/// What attention reads.
public struct AttentionOperands: Sendable {
    public let query: AttentionOperand
    public let key: AttentionOperand
    public let value: AttentionOperand
    /// `[batch, keys]` in i32: 0 hides a key.
    public let keyMask: Tensor?
}

/// What its adjoint writes; nil where nobody asks.
public struct AttentionGradients: Sendable {
    public let query: AttentionOperand?
    public let key: AttentionOperand?
    public let value: AttentionOperand?
}

/// y = softmax(scale · q kᵀ) v for each head, in tiles (Dao and others 2022, algorithms 1 and 4).
///
/// The adjoint keeps q, k, v, y and one number per query and head. A query that sees no key gets 0.
///
/// - Parameters:
///   - isCausal: token i of the queries sees the keys up to i, counted from the end of both.
///   - keyMask: i32 `[B, M]`; keys of 0 are seen by none.
///   - scale: 1/√D if nil.
/// - Shapes: query `[B, N, H, D]`, key and value `[B, M, H, D]`, y `[B, N, H, D]`.
public func attention(
    _ query: Tensor, _ key: Tensor, _ value: Tensor, isCausal: Bool = false, keyMask: Tensor? = nil,
    scale: Double? = nil
) -> Tensor {
    precondition(
        query.shape.rank == 4 && key.shape.rank == 4,
        "attention: needs [batch, tokens, heads, width], got \(query.shape) and \(key.shape)")
    return attend(
        [query, key, value], [0, 1, 2].map { ($0, 0) }, isCausal: isCausal, keyMask: keyMask, scale: scale)
}

/// Attention of projections computed together.
///
/// - Shapes: packed `[B, N, 3, H, D]`: query, key and value of each token; y `[B, N, H, D]`.
public func attention(
    packed: Tensor, isCausal: Bool = false, keyMask: Tensor? = nil, scale: Double? = nil
) -> Tensor {
    precondition(
        packed.shape.rank == 5 && packed.shape[2] == 3,
        "attention: needs [batch, tokens, 3, heads, width], got \(packed.shape)")
    return attend(
        [packed], [(0, 0), (0, 1), (0, 2)], isCausal: isCausal, keyMask: keyMask, scale: scale)
}

/// Attention to keys and values computed together.
///
/// - Shapes: query `[B, N, H, D]`; keysAndValues `[B, M, 2, H, D]`; y `[B, N, H, D]`.
public func attention(
    _ query: Tensor, keysAndValues: Tensor, isCausal: Bool = false, keyMask: Tensor? = nil,
    scale: Double? = nil
) -> Tensor {
    precondition(
        query.shape.rank == 4 && keysAndValues.shape.rank == 5 && keysAndValues.shape[2] == 2,
        "attention: needs [batch, tokens, heads, width] and [batch, tokens, 2, heads, width], got"
            + " \(query.shape) and \(keysAndValues.shape)")
    return attend(
        [query, keysAndValues], [(0, 0), (1, 0), (1, 1)], isCausal: isCausal, keyMask: keyMask, scale: scale)
}

/// - Parameter places: in which input, and there in which slot, query, key and value are.
private func attend(
    _ inputs: [Tensor], _ places: [(input: Int, slot: Int)], isCausal: Bool, keyMask: Tensor?, scale: Double?
) -> Tensor {
    let attention = checkedAttention(inputs, places[1].input, isCausal, keyMask, scale)
    let operand = { (tensors: [Tensor], role: Int) in
        let place = places[role]
        let tensor = tensors[place.input]
        return AttentionOperand(
            tensor: tensor, slot: place.slot, slots: tensor.shape.rank == 5 ? tensor.shape[2] : 1)
    }
    let operands = { (values: [Tensor]) in
        AttentionOperands(
            query: operand(values, 0), key: operand(values, 1), value: operand(values, 2), keyMask: keyMask)
    }
    // Saved as narrow as they are, and where the device wants them wider, widened again in the adjoint.
    let (stored, dtype) = (inputs.map(\.detached), inputs[0].dtype)
    let type = inputs[0].backend.attentionType(attention, storedAs: dtype)
    let wide = { (x: Tensor) in x.cast(to: type) }
    let values = stored.map(wide)
    let (batch, heads) = (attention.batch, attention.heads)
    let sum = values[0].emptyLike(shape: [batch, attention.queries, heads, attention.headWidth])
    let logSumExp = sum.emptyLike(
        shape: [batch, heads, attention.queries], dtype: type == .float64 ? type : .float32)
    sum.backend.attention(attention, operands(values), into: sum, logSumExp: logSumExp)
    let y = sum.cast(to: dtype)

    let needed = inputs.map(\.isTracked)
    return y.recorded(from: inputs) { dy in
        let values = stored.map(wide)
        let gradients = values.map { $0.emptyLike() }
        let asked = { role in needed[places[role].input] ? operand(gradients, role) : nil }
        y.backend.attentionAdjoint(
            attention, operands(values), y: wide(y), logSumExp: logSumExp, wide(dy),
            into: AttentionGradients(query: asked(0), key: asked(1), value: asked(2)))
        return zip(gradients, needed).map { $1 ? $0.cast(to: dtype) : nil }
    }
}

private func checkedAttention(
    _ inputs: [Tensor], _ keyInput: Int, _ isCausal: Bool, _ keyMask: Tensor?, _ scale: Double?
) -> Attention {
    let (query, key) = (inputs[0], inputs[keyInput])
    let (heads, width) = (query.shape[-2], query.shape[-1])
    for input in inputs.dropFirst() {
        precondition(
            input.dtype == query.dtype && input.shape[0] == query.shape[0] && input.shape[1] == key.shape[1]
                && input.shape[-2] == heads && input.shape[-1] == width,
            "attention: \(input.shape) \(input.dtype.name) does not fit query \(query.shape) \(query.dtype.name)"
        )
    }
    precondition(key.shape[1] > 0, "attention: there are no keys, in \(key.shape)")
    if let keyMask {
        precondition(
            keyMask.dtype == .int32 && keyMask.shape == [key.shape[0], key.shape[1]],
            "attention: key mask \(keyMask.shape) \(keyMask.dtype.name) does not fit keys \(key.shape)")
    }
    return Attention(
        batch: query.shape[0], queries: query.shape[1], keys: key.shape[1], heads: heads, headWidth: width,
        scale: scale ?? 1 / Double(width).squareRoot(), isCausal: isCausal)
}
