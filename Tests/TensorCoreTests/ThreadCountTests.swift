import Foundation
import TensorCore
import TestSupport
import XCTest

/// The same bits on one thread and on two.
final class ThreadCountTests: XCTestCase {
    override func tearDown() { Parallel.configure(threads: ProcessInfo.processInfo.activeProcessorCount) }

    private func assertSameBits(
        _ name: String, line: UInt = #line, _ body: () -> [Tensor]
    ) {
        Parallel.configure(threads: 1)
        let one = body()
        for threads in [2, 3] {
            Parallel.configure(threads: threads)
            let several = body()
            XCTAssertEqual(several.count, one.count)
            for (actual, expected) in zip(several, one) {
                assertIdentical(actual, expected, "\(name) on \(threads) threads", line: line)
            }
        }
    }

    func testElementwise() {
        let (a, b) = (randomTensor([307, 511], in: 0.5...2, seed: 1), randomTensor([307, 511], seed: 2))
        for dtype in [DType.float32, .bfloat16, .float16] {
            let (x, y) = (a.cast(to: dtype), b.cast(to: dtype))
            for op in UnaryOp.allCases {
                assertSameBits("\(op)") {
                    let leaf = x.tracked()
                    return [x.map(op), gradients(of: [(leaf.map(op), y)])[leaf] ?? x]
                }
            }
            for op in BinaryOp.allCases {
                assertSameBits("\(op)") {
                    [
                        x.combined(op, y), x.combined(op, y.slice(0..<1)),
                        x.slice(0..<1, axis: 1).combined(op, y),
                    ]
                }
            }
            assertSameBits("affine, clamp, cast") {
                [x.affine(scale: 1.1, shift: 0.3), x.clamped(0.6, 1.1), x.cast(to: .float64)]
            }
        }
    }

    func testLayoutReductionsAndNorms() {
        let x = randomTensor([3, 205, 307], seed: 3)
        let dy = randomTensor([3, 205, 307], seed: 4)
        let scale = randomTensor([307], seed: 5)
        assertSameBits("layout") {
            [
                x.permuted([2, 0, 1]), x.transposed(), x.slice(3..<200, axis: 1),
                .concatenated([x, dy], axis: 1), x.slice(0..<1, axis: 1).broadcast(to: x.shape),
            ]
        }
        assertSameBits("reductions") {
            (0..<3).map { x.sum(axis: $0) } + [x.sum(), x.maximum(axis: 1), x.summed(to: [307])]
        }
        assertSameBits("softmax and layer norm") {
            let (leaf, gamma) = (x.tracked(), scale.tracked())
            let softmax = gradients(of: [(leaf.softmax(), dy)])
            let norm = gradients(of: [(layerNorm(leaf, scale: gamma, shift: scale), dy)])
            return [leaf.softmax().detached, softmax[leaf], norm[leaf], norm[gamma]].compactMap { $0 }
        }
    }

    /// Products of at least 32 rows, as all products of this package's training are.
    func testProducts() {
        for (m, k, n) in [
            (32, 64, 64), (64, 768, 320), (77, 768, 768), (256, 320, 40), (33, 17, 129), (512, 512, 512),
            (4096, 40, 77), (1000, 2, 128), (128, 128, 2), (2048, 1280, 64),
        ] {
            let (a, b) = (randomTensor([m, k], seed: 6), randomTensor([k, n], seed: 7))
            assertSameBits("\(m) × \(k) × \(n)") {
                [
                    matmul(a, b), matmul(a.transposed(), b, transposeA: true),
                    matmul(a, b.transposed(), transposeB: true),
                ]
            }
        }
    }

    func testConvolutions() {
        for (image, outputs, stride) in [
            (Shape([2, 24, 20, 32]), 48, 1), ([1, 33, 65, 16], 200, 1), ([3, 17, 16, 8], 40, 2),
        ] {
            let x = randomTensor(image, seed: 14)
            let weight = randomTensor([outputs, 3, 3, image.last], seed: 15)
            assertSameBits("convolution of \(image)") {
                let leaves = [x.tracked(), weight.tracked()]
                let y = conv2d(leaves[0], leaves[1], stride: stride, padding: Padding(1))
                let result = gradients(of: [(y, randomTensor(y.shape, seed: 16))])
                return [y.detached] + leaves.compactMap { result[$0] }
            }
        }
    }

    func testGroupNormAttentionAndGatedUnits() {
        let x = randomTensor([3, 50, 60, 32], seed: 17)
        let scale = randomTensor([32], seed: 18)
        assertSameBits("group norm") {
            let (leaf, gamma) = (x.tracked(), scale.tracked())
            let y = groupNorm(leaf, groups: 8, scale: gamma, shift: scale, silu: true)
            let result = gradients(of: [(y, randomTensor(x.shape, seed: 19))])
            return [y.detached, result[leaf], result[gamma]].compactMap { $0 }
        }
        let packed = randomTensor([1, 1300, 3, 2, 40], seed: 20)
        assertSameBits("attention") {
            let leaf = packed.tracked()
            let y = attention(packed: leaf)
            return [y.detached, gradients(of: [(y, randomTensor(y.shape, seed: 21))])[leaf]].compactMap { $0 }
        }
        assertSameBits("gated units and upsampling") {
            let leaf = x.tracked()
            let y = leaf.geglu().upsampled()
            return [y.detached, gradients(of: [(y, randomTensor(y.shape, seed: 22))])[leaf]].compactMap { $0 }
        }
    }

    func testRandomNumbers() {
        let key = RandomKey(seed: 8, stream: 9)
        assertSameBits("random") { [.normal([101, 1001], key: key), .uniform([101, 1001], key: key)] }
    }

    /// A small network, forward and backward.
    func testANetworkWithItsGradients() {
        let x = randomTensor([256, 32], seed: 10)
        assertSameBits("network") {
            let first = (randomTensor([128, 32], seed: 11) * 0.2).tracked()
            let second = (randomTensor([128, 128], seed: 12) * 0.1).tracked()
            let bias = randomTensor([128], seed: 13).tracked()
            let hidden = layerNorm(linear(x, first, bias).silu(), scale: bias, shift: nil)
            let loss = (linear(hidden, second) - hidden).squared().mean()
            let result = gradients(of: loss)
            return [loss.detached, result[first], result[second], result[bias]].compactMap { $0 }
        }
    }
}
