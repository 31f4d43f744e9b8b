/// Matrix products of a device's op table.
public protocol MatrixKernels {
    /// c = a · b, or c += a · b, for each of `batch` matrices; row-major; strides between matrices in elements (0
    /// repeats one matrix). a is m×k, or k×m if transposed; b is k×n, or n×k if transposed, and may be of a narrower
    /// type than a and c: it is widened on the way.
    func multiply(_ product: MatrixProduct, _ a: Tensor, _ b: Tensor, into c: Tensor)
}

/// Sizes and flags of a (batched) matrix product.
public struct MatrixProduct: Sendable {
    public var rows: Int
    public var columns: Int
    public var depth: Int
    public var transposeA = false
    public var transposeB = false
    /// Adds to what c holds.
    public var accumulates = false
    public var batch = 1
    public var strideA = 0
    public var strideB = 0
    /// How far the rows of a and of c lie apart; nil where there is nothing between them.
    public var leadingA: Int?
    public var leadingC: Int?
}

/// c = op(a) · op(b), op being the transpose where asked for.
///
/// - Shapes: a `[…, M, K]`, b `[…, K, N]` (before transposition), c `[…, M, N]`. Leading axes must be equal, or one
///   operand is a single matrix shared by the whole batch.
public func matmul(
    _ a: Tensor, _ b: Tensor, transposeA: Bool = false, transposeB: Bool = false
) -> Tensor {
    if a.shape.rank > 2, b.shape.rank == 2, !transposeA {
        // One matrix for the whole batch: one product with all the rows below each other.
        let lead = a.shape.dimensions.dropLast()
        let c = matmul(a.reshaped(lead.reduce(1, *), a.shape.last), b, transposeB: transposeB)
        return c.reshaped(lead + [c.shape.last])
    }
    let (product, shape) = matrixProduct(a, b, transposeA, transposeB)
    let c = a.emptyLike(shape: shape)
    a.backend.multiply(product, a.detached, b.detached, into: c)
    let (left, right) = (a.saved(if: b.isTracked), b.saved(if: a.isTracked))
    let storedAs = b.dtype
    return c.recorded(from: [a, b]) { [a = a.shape, b = b.shape] dc in
        // C = op(A) op(B):  dA = dC op(B)ᵀ or its transpose,  dB = op(A)ᵀ dC or its transpose.
        let da = right.map {
            transposeA
                ? matmul($0, dc, transposeA: transposeB, transposeB: true)
                : matmul(dc, $0, transposeB: !transposeB)
        }
        let db = left.map {
            transposeB
                ? matmul(dc, $0, transposeA: true, transposeB: transposeA)
                : matmul($0, dc, transposeA: !transposeA)
        }
        return [da?.summed(to: a), db?.summed(to: b).cast(to: storedAs)]
    }
}

private func matrixProduct(
    _ a: Tensor, _ b: Tensor, _ transposeA: Bool, _ transposeB: Bool
) -> (MatrixProduct, Shape) {
    precondition(
        a.dtype.computes(with: b.dtype) && a.shape.rank >= 2 && b.shape.rank >= 2,
        "matmul: needs matrices of one element type (b may be narrower), "
            + "got \(a.shape) \(a.dtype.name) and \(b.shape) \(b.dtype.name)"
    )
    let (m, k) = transposeA ? (a.shape[-1], a.shape[-2]) : (a.shape[-2], a.shape[-1])
    let (kOfB, n) = transposeB ? (b.shape[-1], b.shape[-2]) : (b.shape[-2], b.shape[-1])
    let (leadA, leadB) = (a.shape.dimensions.dropLast(2), b.shape.dimensions.dropLast(2))
    let (batchA, batchB) = (leadA.reduce(1, *), leadB.reduce(1, *))
    precondition(
        k == kOfB && (leadA == leadB || leadA.isEmpty || leadB.isEmpty),
        "matmul: \(a.shape)\(transposeA ? "ᵀ" : "") does not fit \(b.shape)\(transposeB ? "ᵀ" : "")")
    let product = MatrixProduct(
        rows: m, columns: n, depth: k, transposeA: transposeA, transposeB: transposeB,
        batch: max(batchA, batchB), strideA: leadA.isEmpty ? 0 : m * k, strideB: leadB.isEmpty ? 0 : k * n)
    return (product, Shape((leadA.isEmpty ? leadB : leadA) + [m, n]))
}

/// y = x · Wᵀ + b + r over the last axis.
///
/// What is added is laid down first, and the product accumulates onto it: no pass over y of its own.
///
/// - Shapes: x `[…, I]`, weight `[O, I]` (as PyTorch stores it; bf16 or f16 also where x is wider, as the bias),
///   bias `[O]`, y `[…, O]`; the addend r broadcasts to y.
public func linear(
    _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, adding addend: Tensor? = nil
) -> Tensor {
    let bias = bias?.cast(to: x.dtype)
    let shape = linearShape(x, weight, bias, addend)
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let rows = shape.elementCount / max(outputs, 1)
    let y = x.emptyLike(shape: shape)
    let start = [bias, addend].compactMap { $0?.detached }
    if let first = start.first { y.fill(withSumOf: first, start.dropFirst().first) }
    let product = MatrixProduct(
        rows: rows, columns: outputs, depth: inputs, transposeB: true, accumulates: !start.isEmpty)
    x.backend.multiply(product, x.detached, weight.detached, into: y)

    let (savedX, savedWeight) = (x.saved(if: weight.isTracked), weight.saved(if: x.isTracked))
    let (source, added, storedAs) = (x.shape, [bias, addend].compactMap { $0 }, weight.dtype)
    return y.recorded(from: [x, weight] + added) { [added = added.map(Operand.init)] dy in
        let dyRows = dy.viewed(as: [rows, outputs])
        return [
            savedWeight.map { matmul(dyRows, $0).viewed(as: source) },
            savedX.map {
                matmul(dyRows, $0.viewed(as: [rows, inputs]), transposeA: true).cast(to: storedAs)
            },
        ] + added.map { $0.gradient(dy) }
    }
}

/// The shape of y, once operands are known to fit.
private func linearShape(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ addend: Tensor?) -> Shape {
    precondition(
        weight.shape.rank == 2 && x.shape.last == weight.shape[1] && x.dtype.computes(with: weight.dtype),
        "linear: x \(x.shape) \(x.dtype.name) does not fit weight \(weight.shape) \(weight.dtype.name)")
    let shape = Shape(x.shape.dimensions.dropLast() + [weight.shape[0]])
    if let bias {
        precondition(
            bias.shape == [weight.shape[0]] && bias.dtype == x.dtype,
            "linear: bias \(bias.shape) \(bias.dtype.name) does not fit weight \(weight.shape)")
    }
    if let addend {
        precondition(
            Shape.broadcast(addend.shape, shape) == shape && addend.dtype == x.dtype,
            "linear: addend \(addend.shape) \(addend.dtype.name) does not broadcast to \(shape)")
    }
    return shape
}

extension Tensor {
    /// y = a + b, or a alone, repeated to y's shape; for tensors under construction only.
    func fill(withSumOf a: Tensor, _ b: Tensor?) {
        if let b {
            backend.binary(.add, b, a, into: self)
        } else {
            backend.copyStrided(
                shape: shape.dimensions, from: a, offset: 0, strides: a.shape.broadcastStrides(to: shape),
                into: self, offset: 0, strides: shape.strides)
        }
    }
}
