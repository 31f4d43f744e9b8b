/// Functions of one element; the adjoint is f'(x) · dy.
public enum UnaryOp: Int32, Sendable, CaseIterable {
    case negate, absolute, square, squareRoot, reciprocal, exponential, logarithm, sine, cosine, tanh, sigmoid
    case relu, silu, gelu, quickGELU
}

/// Functions of two elements.
public enum BinaryOp: Int32, Sendable, CaseIterable {
    case add, subtract, multiply, divide, maximum, minimum
}

/// Element-wise part of a device's op table.
public protocol ElementwiseKernels {
    /// y = f(x), same shape.
    func unary(_ op: UnaryOp, _ x: Tensor, into y: Tensor)
    /// dx = f'(x) · dy.
    func unaryAdjoint(_ op: UnaryOp, _ x: Tensor, _ dy: Tensor, into dx: Tensor)
    /// y = a ∘ b, both broadcast to y's shape.
    func binary(_ op: BinaryOp, _ a: Tensor, _ b: Tensor, into y: Tensor)
    /// y = scale · x + shift.
    func affine(_ x: Tensor, scale: Double, shift: Double, into y: Tensor)
    func clamp(_ x: Tensor, _ low: Double, _ high: Double, into y: Tensor)
    func clampAdjoint(_ x: Tensor, _ dy: Tensor, _ low: Double, _ high: Double, into dx: Tensor)
    func cast(_ x: Tensor, into y: Tensor)
    /// y = a · x + b · y, in place.
    func accumulate(_ x: Tensor, scale a: Double, onto y: Tensor, scale b: Double)
}

// MARK: One operand

extension Tensor {
    /// y = f(x) element by element.
    public func map(_ op: UnaryOp) -> Tensor {
        requireArithmetic("\(op)")
        let x = detached
        let y = x.emptyLike()
        backend.unary(op, x, into: y)
        return y.recorded(from: self) { dy in
            let dx = x.emptyLike()
            x.backend.unaryAdjoint(op, x, dy, into: dx)
            return dx
        }
    }

    public static prefix func - (x: Tensor) -> Tensor { x.map(.negate) }
    public func magnitude() -> Tensor { map(.absolute) }
    public func squared() -> Tensor { map(.square) }
    public func squareRoot() -> Tensor { map(.squareRoot) }
    public func reciprocal() -> Tensor { map(.reciprocal) }
    public func exp() -> Tensor { map(.exponential) }
    public func log() -> Tensor { map(.logarithm) }
    public func sine() -> Tensor { map(.sine) }
    public func cosine() -> Tensor { map(.cosine) }
    public func tanh() -> Tensor { map(.tanh) }
    /// σ(x) = 1 / (1 + e^−x).
    public func sigmoid() -> Tensor { map(.sigmoid) }
    public func relu() -> Tensor { map(.relu) }
    /// x · σ(x) (Elfwing and others 2018).
    public func silu() -> Tensor { map(.silu) }
    /// x · Φ(x) with the exact error function (Hendrycks & Gimpel 2016).
    public func gelu() -> Tensor { map(.gelu) }
    /// x · σ(1.702 x), the approximation OpenAI's CLIP was trained with.
    public func quickGELU() -> Tensor { map(.quickGELU) }

    /// scale · x + shift.
    public func affine(scale: Double, shift: Double) -> Tensor {
        requireArithmetic("affine")
        let y = emptyLike()
        backend.affine(detached, scale: scale, shift: shift, into: y)
        return y.recorded(from: self) { $0.affine(scale: scale, shift: 0) }
    }

    public static func * (x: Tensor, scale: Double) -> Tensor { x.affine(scale: scale, shift: 0) }
    public static func * (scale: Double, x: Tensor) -> Tensor { x.affine(scale: scale, shift: 0) }
    public static func / (x: Tensor, divisor: Double) -> Tensor { x.affine(scale: 1 / divisor, shift: 0) }
    public static func + (x: Tensor, shift: Double) -> Tensor { x.affine(scale: 1, shift: shift) }
    public static func + (shift: Double, x: Tensor) -> Tensor { x.affine(scale: 1, shift: shift) }
    public static func - (x: Tensor, shift: Double) -> Tensor { x.affine(scale: 1, shift: -shift) }
    public static func - (shift: Double, x: Tensor) -> Tensor { x.affine(scale: -1, shift: shift) }

    /// min(max(x, low), high); no gradient passes where it clamps.
    public func clamped(_ low: Double, _ high: Double) -> Tensor {
        requireArithmetic("clamped")
        let x = detached
        let y = x.emptyLike()
        backend.clamp(x, low, high, into: y)
        return y.recorded(from: self) { dy in
            let dx = x.emptyLike()
            x.backend.clampAdjoint(x, dy, low, high, into: dx)
            return dx
        }
    }

    /// The same values as another element type, rounded to nearest even.
    ///
    /// The gradient is cast back.
    public func cast(to dtype: DType) -> Tensor {
        guard dtype != self.dtype else { return self }
        precondition(dtype != .int32, "cast: \(self.dtype.name) values do not become indices")
        let source = self.dtype
        let y = emptyLike(dtype: dtype)
        backend.cast(detached, into: y)
        return y.recorded(from: self) { $0.cast(to: source) }
    }
}

// MARK: Two operands

extension Tensor {
    public static func + (a: Tensor, b: Tensor) -> Tensor {
        a.combined(.add, b).recorded(from: [a, b]) { [a = Operand(a), b = Operand(b)] dy in
            [a.gradient(dy), b.gradient(dy)]
        }
    }

    public static func - (a: Tensor, b: Tensor) -> Tensor {
        a.combined(.subtract, b).recorded(from: [a, b]) { [a = Operand(a), b = Operand(b)] dy in
            [a.gradient(dy), b.gradient(-dy)]
        }
    }

    public static func * (a: Tensor, b: Tensor) -> Tensor {
        let (left, right) = (a.saved(if: b.isTracked), b.saved(if: a.isTracked))
        return a.combined(.multiply, b).recorded(from: [a, b]) { [a = a.shape, b = b.shape] dy in
            [right.map { (dy * $0).summed(to: a) }, left.map { (dy * $0).summed(to: b) }]
        }
    }

    public static func / (a: Tensor, b: Tensor) -> Tensor {
        let (dividend, divisor) = (a.saved(if: b.isTracked), b.detached)
        return a.combined(.divide, b).recorded(from: [a, b]) { [a = Operand(a), b = b.shape] dy in
            // da = dy / b,  db = −dy · a / b².
            let scaled = dy / divisor
            return [a.gradient(scaled), dividend.map { -(scaled * $0 / divisor).summed(to: b) }]
        }
    }

    /// y = a ∘ b after broadcasting, outside the graph.
    package func combined(_ op: BinaryOp, _ other: Tensor) -> Tensor {
        requireArithmetic("\(op)")
        precondition(
            dtype == other.dtype,
            "\(op): operands must have one element type, got \(dtype.name) and \(other.dtype.name)")
        guard let shape = Shape.broadcast(shape, other.shape) else {
            preconditionFailure("\(op): shapes \(shape) and \(other.shape) do not broadcast")
        }
        let y = emptyLike(shape: shape)
        backend.binary(op, detached, other.detached, into: y)
        return y
    }

    /// The value, where an adjoint will use it.
    ///
    /// Nothing is kept for a gradient nobody asks for: a frozen factor holds no activations.
    package func saved(if needed: Bool) -> Tensor? { needed ? detached : nil }

    package func requireArithmetic(_ op: @autoclosure () -> String) {
        precondition(dtype != .int32, "\(op()): i32 tensors hold indices and have no arithmetic")
    }
}

/// What the adjoint of a sum must know of an input: its shape, and whether anyone asks for its gradient.
struct Operand {
    let shape: Shape
    let needsGradient: Bool

    init(_ tensor: Tensor) {
        shape = tensor.shape
        needsGradient = tensor.isTracked
    }

    /// The gradient, summed over the axes along which the operand was repeated.
    func gradient(_ contribution: @autoclosure () -> Tensor) -> Tensor? {
        needsGradient ? contribution().summed(to: shape) : nil
    }
}
