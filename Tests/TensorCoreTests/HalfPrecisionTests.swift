import TensorCore
import TestSupport
import XCTest

/// Ops on `bfloat16` and `float16` are those on `float32`, rounded once.
final class HalfPrecisionTests: XCTestCase {
    private let types: [DType] = [.bfloat16, .float16]

    private func assertRoundsOnce(
        _ inputs: [Tensor], _ name: String, _ op: ([Tensor]) -> Tensor, line: UInt = #line
    ) {
        for dtype in types {
            let halves = inputs.map { $0.cast(to: dtype) }
            let wide = halves.map { $0.cast(to: .float32) }
            assertIdentical(op(halves), op(wide).cast(to: dtype), "\(name) \(dtype.name)", line: line)
        }
    }

    func testElementwise() {
        forEachDevice { device in
            let b = randomTensor([17, 31], in: 0.5...2, seed: 2, on: device)
            for op in UnaryOp.allCases {
                let x = randomTensor([17, 31], in: UnaryTests.domain(op), seed: 1, on: device)
                assertRoundsOnce([x], "\(op)") { $0[0].map(op) }
            }
            let a = randomTensor([17, 31], seed: 3, on: device)
            for op in BinaryOp.allCases {
                assertRoundsOnce([a, b], "\(op)") { $0[0].combined(op, $0[1]) }
                assertRoundsOnce([a, randomTensor([31], seed: 4, on: device)], "\(op) row") {
                    $0[0].combined(op, $0[1])
                }
            }
            assertRoundsOnce([a], "affine") { $0[0].affine(scale: 1.1, shift: -0.3) }
            assertRoundsOnce([a], "clamp") { $0[0].clamped(-0.7, 0.9) }
        }
    }

    func testAdjointsOfElementwise() {
        for op in UnaryOp.allCases {
            let x = randomTensor([301], in: UnaryTests.domain(op), seed: 5)
            let dy = randomTensor([301], seed: 6)
            assertRoundsOnce([x, dy], "adjoint of \(op)") { inputs in
                let leaf = inputs[0].tracked()
                return gradients(of: [(leaf.map(op), inputs[1])])[leaf] ?? leaf
            }
        }
    }

    func testProducts() {
        let (a, b) = (randomTensor([33, 40], seed: 7), randomTensor([24, 40], seed: 8))
        let bias = randomTensor([24], seed: 9)
        assertRoundsOnce([a, b], "matmul") { matmul($0[0], $0[1], transposeB: true) }
        assertRoundsOnce([a, b], "linear") { linear($0[0], $0[1]) }
        assertRoundsOnce([a, b, bias], "linear with bias") { linear($0[0], $0[1], $0[2]) }
    }

    func testReductionsAndNorms() {
        let x = randomTensor([9, 50], seed: 10)
        for axis in 0..<2 {
            assertRoundsOnce([x], "sum") { $0[0].sum(axis: axis) }
            assertRoundsOnce([x], "maximum") { $0[0].maximum(axis: axis) }
            assertRoundsOnce([x], "minimum") { $0[0].minimum(axis: axis) }
        }
        assertRoundsOnce([x], "softmax") { $0[0].softmax() }
        assertRoundsOnce([x, randomTensor([50], seed: 11), randomTensor([50], seed: 12)], "layer norm") {
            layerNorm($0[0], scale: $0[1], shift: $0[2])
        }
    }

    func testGradientsOfSoftmaxAndNorms() {
        let (x, dy) = (randomTensor([9, 50], seed: 13), randomTensor([9, 50], seed: 14))
        for dtype in types {
            // Softmax saves its rounded output, so only that is compared.
            let leaf = x.cast(to: dtype).tracked()
            let y = leaf.softmax()
            let gradient = gradients(of: [(y, dy.cast(to: dtype))])[leaf]
            let (wide, seed) = (y.detached.cast(to: .float32), dy.cast(to: dtype).cast(to: .float32))
            let expected = wide * (seed - (wide * seed).sum(axis: 1, keepingAxis: true))
            let tolerance = dtype == .bfloat16 ? 0x1p-8 : 0x1p-11
            assertClose(
                gradient?.doubles ?? [], expected.doubles, absolute: 1e-6, relative: tolerance, dtype.name)
        }
        assertRoundsOnce([x, randomTensor([50], seed: 15), dy], "adjoint of layer norm") { inputs in
            let leaf = inputs[0].tracked()
            return gradients(of: [(layerNorm(leaf, scale: inputs[1], shift: nil), inputs[2])])[leaf] ?? leaf
        }
    }

    func testLayout() {
        let x = randomTensor([4, 6, 5], seed: 16)
        assertRoundsOnce([x], "permuted") { $0[0].permuted([2, 0, 1]) }
        assertRoundsOnce([x], "slice") { $0[0].slice(1..<4, axis: 1) }
        assertRoundsOnce([x], "broadcast") { $0[0].slice(0..<1, axis: 2).broadcast(to: [4, 6, 3]) }
        assertRoundsOnce([x], "concatenated") { .concatenated([$0[0], $0[0]], axis: 1) }
    }
}
