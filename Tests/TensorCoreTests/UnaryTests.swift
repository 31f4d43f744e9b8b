import Foundation
import TensorCore
import TestSupport
import XCTest

final class UnaryTests: XCTestCase {
    /// Each function as a textbook writes it.
    static func reference(_ op: UnaryOp, _ x: Double) -> Double {
        switch op {
        case .negate: -x
        case .absolute: abs(x)
        case .square: x * x
        case .squareRoot: sqrt(x)
        case .reciprocal: 1 / x
        case .exponential: exp(x)
        case .logarithm: log(x)
        case .sine: sin(x)
        case .cosine: cos(x)
        case .tanh: Foundation.tanh(x)
        case .sigmoid: 1 / (1 + exp(-x))
        case .relu: max(x, 0)
        case .silu: x / (1 + exp(-x))
        case .gelu: x * 0.5 * erfc(-x / 2.0.squareRoot())
        case .quickGELU: x / (1 + exp(-1.702 * x))
        }
    }

    /// Where the function is defined, smooth enough, and of ordinary size.
    static func domain(_ op: UnaryOp) -> ClosedRange<Double> {
        switch op {
        case .squareRoot, .logarithm, .reciprocal: 0.05...20
        default: -9...9
        }
    }

    func testMatchesTheTextbookInEveryType() {
        // f32 results are good to a few units in the last place (6e-8); absolute where a function nears zero.
        let tolerances: [(DType, Double, Double)] = [(.float64, 1e-14, 1e-13), (.float32, 3e-7, 1e-6)]
        forEachDevice { device in
            for op in UnaryOp.allCases {
                for (dtype, absolute, relative) in tolerances where dtype != .float64 || device == .cpu {
                    let x = randomTensor([37, 29], in: Self.domain(op), seed: 1, dtype: dtype, on: device)
                    let expected = NaiveArray(x.shape.dimensions) { index in
                        Self.reference(op, NaiveArray(x)[index])
                    }
                    assertClose(
                        x.map(op).doubles, expected.values, absolute: absolute, relative: relative, "\(op)")
                }
            }
        }
    }

    func testAdjointsAgreeWithCentralDifferences() {
        for op in UnaryOp.allCases {
            let x = randomTensor([3, 5], in: Self.domain(op), seed: 2, dtype: .float64)
            checkGradient(of: { $0[0].map(op) }, at: [x], "\(op)")
        }
    }

    func testAdjointsInFloat32FollowThoseInFloat64() {
        forEachDevice { device in
            for op in UnaryOp.allCases {
                let x = randomTensor([1003], in: Self.domain(op), seed: 3, on: device).tracked()
                let wide = x.detached.cast(to: .float64).tracked()
                let actual = gradients(of: x.map(op).sum())[x]
                let expected = gradients(of: wide.map(op).sum())[wide]
                assertClose(
                    actual?.doubles ?? [], expected?.doubles ?? [], absolute: 1e-6, relative: 2e-6, "\(op)")
            }
        }
    }

    func testExtremesSaturateInsteadOfOverflowing() {
        let x = Tensor([Float(-1e4), -200, -100, 100, 200, 1e4], shape: [6])
        assertClose(x.sigmoid().floats, [0, 0, 0, 1, 1, 1], absolute: 1e-30)
        assertClose(x.tanh().floats, [-1, -1, -1, 1, 1, 1])
        assertClose(x.silu().floats, [0, 0, 0, 100, 200, 1e4], absolute: 1e-30)
        assertClose(x.gelu().floats, [0, 0, 0, 100, 200, 1e4], absolute: 1e-30)
        assertClose(x.quickGELU().floats, [0, 0, 0, 100, 200, 1e4], absolute: 1e-30)
        // Results too small for a normal number may become zero.
        assertClose(
            x.exp().floats, [0, 0, 0, .infinity, .infinity, .infinity],
            absolute: Double(Float.leastNormalMagnitude))
        for op in [UnaryOp.sigmoid, .tanh, .silu, .gelu, .quickGELU] {
            let leaf = x.tracked()
            let gradient = gradients(of: leaf.map(op).sum())[leaf]
            XCTAssertTrue(gradient?.floats.allSatisfy(\.isFinite) ?? false, "\(op)")
        }
    }

    func testNotANumberPassesThrough() {
        let x = Tensor([Float.nan], shape: [1])
        for op in UnaryOp.allCases { XCTAssertTrue(x.map(op).floats[0].isNaN, "\(op)") }
    }

    func testNamedFunctionsAreTheirOps() {
        let x = randomTensor([11], in: 0.1...2, seed: 4)
        let named: [(Tensor, UnaryOp)] = [
            (-x, .negate), (x.magnitude(), .absolute), (x.squared(), .square), (x.squareRoot(), .squareRoot),
            (x.reciprocal(), .reciprocal), (x.exp(), .exponential), (x.log(), .logarithm), (x.sine(), .sine),
            (x.cosine(), .cosine), (x.tanh(), .tanh), (x.sigmoid(), .sigmoid), (x.relu(), .relu),
            (x.silu(), .silu), (x.gelu(), .gelu), (x.quickGELU(), .quickGELU),
        ]
        XCTAssertEqual(Set(named.map(\.1)).count, UnaryOp.allCases.count)
        for (actual, op) in named { assertIdentical(actual, x.map(op), "\(op)") }
    }

    func testAffineAndItsSpellings() {
        let x = randomTensor([4, 3], seed: 5, dtype: .float64)
        let values = x.doubles
        assertClose((x * 2.5).doubles, values.map { $0 * 2.5 }, relative: 1e-15)
        assertClose((2.5 * x).doubles, values.map { $0 * 2.5 }, relative: 1e-15)
        assertClose((x / 4).doubles, values.map { $0 / 4 }, relative: 1e-15)
        assertClose((x + 1.5).doubles, values.map { $0 + 1.5 }, absolute: 1e-15)
        assertClose((1.5 + x).doubles, values.map { $0 + 1.5 }, absolute: 1e-15)
        assertClose((x - 1.5).doubles, values.map { $0 - 1.5 }, absolute: 1e-15)
        assertClose((1.5 - x).doubles, values.map { 1.5 - $0 }, absolute: 1e-15)
        checkGradient(of: { 1.5 - ($0[0] * 2.5 + 1) / 3 }, at: [x])
    }

    func testClampPassesGradientsInsideOnly() {
        forEachDevice { device in
            let values: [Float] = [-3, -1, -0.5, 0, 0.99, 1, 2, .infinity, -.infinity]
            let x = Tensor(values, shape: [9], on: device).tracked()
            let y = x.clamped(-1, 1)
            XCTAssertEqual(y.floats, [-1, -1, -0.5, 0, 0.99, 1, 1, 1, -1])
            XCTAssertEqual(gradients(of: y.sum())[x]?.floats, [0, 1, 1, 1, 1, 1, 0, 0, 0])
        }
        checkGradient(
            of: { $0[0].clamped(-0.5, 0.8) }, at: [randomTensor([40], seed: 6, dtype: .float64)])
    }
}
