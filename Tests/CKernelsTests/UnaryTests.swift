import CKernels
import XCTest

final class UnaryTests: XCTestCase {
    func testForwardAgreesWithLibm() {
        for reference in UnaryReference.all {
            for type in ck_dtype.floating {
                let bound = type == ck_f16 ? min(reference.range.upperBound, 100) : .infinity
                let inputs = reference.inputs(4001, seed: 1).filter { abs($0) <= bound }
                let x = Elements(type, inputs)
                let expected = Elements(type, x.doubles.map(reference.function)).doubles
                let isDouble = type == ck_f64
                assertClose(
                    unary(reference.op, x).doubles, expected,
                    absolute: isDouble ? 1e-15 : reference.absolute + (type == ck_f16 ? 0x1p-24 : 0),
                    relative: isDouble
                        ? 1e-14 : reference.relative + 2 * (type == ck_f32 ? 0 : type.roundoff),
                    "\(reference.name), type \(type.rawValue)")
            }
        }
    }

    /// What libm gives at the ends of the range, in double, and what the limit of the function is.
    func testSpecialValues() {
        let x: [Double] = [-.infinity, -1e30, -200, -0.0, 0, 200, 1e30, .infinity, .nan]
        let limits: [(ck_unary_op, [Double])] = [
            (ck_exponential, [0, 0, 0, 1, 1, .infinity, .infinity, .infinity, .nan]),
            (ck_logarithm, [.nan, .nan, .nan, -.infinity, -.infinity, log(200), log(1e30), .infinity, .nan]),
            (ck_tanh, [-1, -1, -1, 0, 0, 1, 1, 1, .nan]),
            (ck_sigmoid, [0, 0, 0, 0.5, 0.5, 1, 1, 1, .nan]),
            (ck_relu, [0, 0, 0, 0, 0, 200, 1e30, .infinity, .nan]),
            (ck_silu, [0, 0, 0, 0, 0, 200, 1e30, .infinity, .nan]),
            (ck_gelu, [0, 0, 0, 0, 0, 200, 1e30, .infinity, .nan]),
            (ck_quick_gelu, [0, 0, 0, 0, 0, 200, 1e30, .infinity, .nan]),
            (ck_sine, [.nan, sin(-1e30), sin(-200), 0, 0, sin(200), sin(1e30), .nan, .nan]),
            (ck_cosine, [.nan, cos(1e30), cos(200), 1, 1, cos(200), cos(1e30), .nan, .nan]),
        ]
        for (op, expected) in limits {
            for type in [ck_f32, ck_f64] {
                let input = Elements(type, x)
                // Far arguments of sine are those of the rounded number.
                let exact = (0..<x.count).map { index in
                    guard abs(x[index]) == 1e30 else { return expected[index] }
                    return op == ck_sine
                        ? sin(input[index]) : op == ck_cosine ? cos(input[index]) : expected[index]
                }
                let message = "op \(op.rawValue), type \(type.rawValue)"
                assertClose(unary(op, input).doubles, exact, absolute: 1.5e-7, relative: 2e-7, message)
            }
        }
    }

    func testNegativeZeroAndLowerTailsKeepTheirSign() {
        let x = Elements(ck_f32, [-0.0, -.infinity, -1000])
        for op in [ck_silu, ck_gelu, ck_quick_gelu] {
            XCTAssertEqual(unary(op, x).doubles.map(\.sign), [.minus, .minus, .minus])
        }
        let tail = Elements(ck_f32, [-5, -8, -12])
        assertClose(unary(ck_gelu, tail).doubles, tail.doubles.map { $0 * normalCDF($0) }, relative: 1e-5)
    }

    func testSlopesAtInfinityAreTheirLimits() {
        let x = Elements(ck_f32, [-.infinity, -1e30, 1e30, .infinity])
        let one = Elements(ck_f32, [1, 1, 1, 1])
        for op in [ck_silu, ck_gelu, ck_quick_gelu, ck_relu] {
            assertClose(unaryAdjoint(op, x, one).doubles, [0, 0, 1, 1], "op \(op.rawValue)")
        }
        for op in [ck_tanh, ck_sigmoid] {
            assertClose(unaryAdjoint(op, x, one).doubles, [0, 0, 0, 0], "op \(op.rawValue)")
        }
    }

    func testAdjointAgreesWithCentralDifferences() {
        var source = SplitMix(2)
        for reference in UnaryReference.all {
            let positive = [ck_square_root, ck_reciprocal, ck_logarithm].contains(reference.op)
            // Away from the kinks at 0.
            let x = source.values(501, in: positive ? 0.3...4 : -4...4).filter { abs($0) > 1e-3 }
            let dy = source.values(x.count, in: -2...2)
            let h = 1e-5
            let up = unary(reference.op, Elements(ck_f64, x.map { $0 + h })).doubles
            let down = unary(reference.op, Elements(ck_f64, x.map { $0 - h })).doubles
            let expected = x.indices.map { dy[$0] * (up[$0] - down[$0]) / (2 * h) }
            let dx = unaryAdjoint(reference.op, Elements(ck_f64, x), Elements(ck_f64, dy)).doubles
            assertClose(dx, expected, absolute: 1e-8, relative: 1e-8, reference.name)
        }
    }

    func testAdjointInSinglePrecisionAgreesWithDouble() {
        var source = SplitMix(3)
        for reference in UnaryReference.all {
            for type in [ck_f32, ck_bf16, ck_f16] {
                let wide = abs(reference.range.upperBound) > 100
                let range = wide ? max(0.01, reference.range.lowerBound)...100 : reference.range
                let x = Elements(type, source.values(1003, in: range))
                let dy = Elements(type, source.values(1003, in: -2...2))
                let single = unaryAdjoint(reference.op, x, dy).doubles
                let double = unaryAdjoint(
                    reference.op, Elements(ck_f64, x.doubles), Elements(ck_f64, dy.doubles)
                ).doubles
                assertClose(
                    single, Elements(type, double).doubles, absolute: 1e-6 + (type == ck_f16 ? 0x1p-24 : 0),
                    relative: 1e-5 + 2 * (type == ck_f32 ? 0 : type.roundoff), reference.name)
            }
        }
    }

    func testSplittingARangeChangesNoBit() {
        var source = SplitMix(4)
        for reference in UnaryReference.all {
            for type in ck_dtype.floating {
                let x = Elements(type, reference.inputs(2500, seed: 5))
                let dy = Elements(type, source.values(x.count, in: -2...2))
                let whole = unary(reference.op, x).bytes + unaryAdjoint(reference.op, x, dy).bytes
                let y = Elements(type, count: x.count)
                let dx = Elements(type, count: x.count)
                var start = 0
                while start < x.count {
                    let n = min(x.count - start, Int.random(in: 1...150, using: &source))
                    ck_unary(reference.op, type, x.at(start), y.at(start), n)
                    ck_unary_adjoint(reference.op, type, x.at(start), dy.at(start), dx.at(start), n)
                    start += n
                }
                XCTAssertEqual(y.bytes + dx.bytes, whole, "\(reference.name), type \(type.rawValue)")
            }
        }
    }

    func testInPlaceEqualsOutOfPlace() {
        for reference in UnaryReference.all {
            for type in ck_dtype.floating {
                let x = Elements(type, reference.inputs(1500, seed: 6))
                let inPlace = x.copy()
                ck_unary(reference.op, type, inPlace.base, inPlace.base, x.count)
                XCTAssertEqual(inPlace.bytes, unary(reference.op, x).bytes, reference.name)
                let adjointInPlace = x.copy()
                ck_unary_adjoint(
                    reference.op, type, x.base, adjointInPlace.base, adjointInPlace.base, x.count)
                XCTAssertEqual(adjointInPlace.bytes, unaryAdjoint(reference.op, x, x).bytes, reference.name)
            }
        }
    }
}
