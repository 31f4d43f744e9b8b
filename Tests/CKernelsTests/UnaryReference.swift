import CKernels
import Foundation

/// A unary function as libm gives it, with the inputs it is tried on.
struct UnaryReference: Sendable {
    let name: String
    let op: ck_unary_op
    /// Where the function is compared with libm.
    let range: ClosedRange<Double>
    /// Error allowed in single precision, beside rounding to the element type.
    let absolute: Double
    let relative: Double
    let function: @Sendable (Double) -> Double

    static let all: [UnaryReference] = [
        .init("negate", ck_negate, -1e30...1e30) { -$0 },
        .init("absolute", ck_absolute, -1e30...1e30) { abs($0) },
        .init("square", ck_square, -1e15...1e15) { $0 * $0 },
        .init("square root", ck_square_root, 0...1e30) { $0.squareRoot() },
        .init("reciprocal", ck_reciprocal, 1e-10...1e30) { 1 / $0 },
        .init("exponential", ck_exponential, -86.5...88.5) { exp($0) },
        .init("logarithm", ck_logarithm, 1e-30...1e30) { log($0) },
        .init("sine", ck_sine, -8000...8000, absolute: 1.5e-7, relative: 0) { sin($0) },
        .init("cosine", ck_cosine, -8000...8000, absolute: 1.5e-7, relative: 0) { cos($0) },
        .init("tanh", ck_tanh, -20...20) { tanh($0) },
        .init("sigmoid", ck_sigmoid, -86.5...90) { sigmoid($0) },
        .init("relu", ck_relu, -10...10) { max($0, 0) },
        .init("silu", ck_silu, -86.5...90) { $0 * sigmoid($0) },
        .init("gelu", ck_gelu, -13...13, absolute: 3e-7, relative: 1.5e-7) { $0 * normalCDF($0) },
        // 1.702 x is rounded before it is an exponent.
        .init("quick gelu", ck_quick_gelu, -50...50, relative: 6e-6) { $0 * sigmoid(1.702 * $0) },
    ]

    init(
        _ name: String, _ op: ck_unary_op, _ range: ClosedRange<Double>,
        absolute: Double = 0, relative: Double = 3e-7, function: @escaping @Sendable (Double) -> Double
    ) {
        self.name = name
        self.op = op
        self.range = range
        self.absolute = absolute
        self.relative = relative
        self.function = function
    }

    /// Evenly spread over the range, and in magnitude down to 2⁻⁴⁰.
    func inputs(_ count: Int, seed: UInt64) -> [Double] {
        var source = SplitMix(seed)
        let small = source.spread(count / 2, exponents: -40...log2(max(1, range.upperBound)))
        return source.values(count - count / 2, in: range) + small.filter { range.contains($0) }
    }
}

func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
func normalCDF(_ x: Double) -> Double { 0.5 * erfc(-x * 0.5.squareRoot()) }

func unary(_ op: ck_unary_op, _ x: Elements) -> Elements {
    let y = Elements(x.type, count: x.count)
    ck_unary(op, x.type, x.base, y.base, x.count)
    return y
}

func unaryAdjoint(_ op: ck_unary_op, _ x: Elements, _ dy: Elements) -> Elements {
    let dx = Elements(x.type, count: x.count)
    ck_unary_adjoint(op, x.type, x.base, dy.base, dx.base, x.count)
    return dx
}
