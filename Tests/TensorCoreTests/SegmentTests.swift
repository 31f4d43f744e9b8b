import TensorCore
import TestSupport
import XCTest

final class SegmentTests: XCTestCase {
    private let width = 64
    private let rows = 256

    /// A sampling step of sorts: uses its state several times, and two leaves.
    private func step(_ x: Tensor, _ weight: Tensor, _ bias: Tensor, _ index: Int) -> Tensor {
        let noise = Tensor.normal(x.shape, key: RandomKey(seed: 1, stream: 2, step: UInt32(index)))
        let hidden = linear(x, weight, bias).silu()
        let update = linear(layerNorm(hidden, scale: bias, shift: nil), weight).gelu()
        return x * 0.9 + update * 0.1 + noise * 0.01
    }

    private enum Saving { case everything, steps, nested }

    private func run(_ saving: Saving, steps: Int) -> (gradients: [Tensor?], peak: Int) {
        let weight = (randomTensor([width, width], seed: 3) * 0.1).tracked()
        let bias = randomTensor([width], seed: 4).tracked()
        let start = randomTensor([rows, width], seed: 5).tracked()
        let allocator = CPUBackend.shared.allocator
        let before = allocator.statistics.inUse
        allocator.resetPeak()
        var x = start
        switch saving {
        case .everything: for index in 0..<steps { x = step(x, weight, bias, index) }
        case .steps: for index in 0..<steps { x = segment([x]) { self.step($0[0], weight, bias, index) } }
        case .nested:
            for outer in stride(from: 0, to: steps, by: 4) {
                x = segment([x]) { inputs in
                    (outer..<(outer + 4)).reduce(inputs[0]) { state, index in
                        segment([state]) { self.step($0[0], weight, bias, index) }
                    }
                }
            }
        }
        let loss = (x * x).mean()
        x = start
        let result = gradients(of: loss)
        return ([result[weight], result[bias], result[start]], allocator.statistics.peak - before)
    }

    func testGivesTheSameGradientsToTheBitForLessMemory() throws {
        let whole = run(.everything, steps: 16)
        let byStep = run(.steps, steps: 16)
        let nested = run(.nested, steps: 16)
        for (name, other) in [("steps", byStep), ("nested", nested)] {
            for (actual, expected) in zip(other.gradients, whole.gradients) {
                assertIdentical(try XCTUnwrap(actual), try XCTUnwrap(expected), name)
            }
        }
        // A step makes some ten tensors of its state's size and keeps most; a segment keeps one.
        XCTAssertLessThan(byStep.peak, whole.peak / 3)
        XCTAssertLessThan(nested.peak, byStep.peak)
    }

    func testAdjointAgreesWithCentralDifferences() {
        let x = randomTensor([3, 4], seed: 6, dtype: .float64)
        let y = randomTensor([4], seed: 7, dtype: .float64)
        checkGradient(of: { segment($0) { ($0[0] * $0[1]).sine() + $0[0] } }, at: [x, y])
        checkGradient(
            of: { inputs in
                segment([inputs[0]]) { outer in
                    let inner = segment([outer[0].exp()]) { $0[0] * inputs[1] }
                    return inner + outer[0]
                }
            }, at: [x, y], "nested, with a captured leaf")
        checkGradient(of: { segment([$0[0]]) { $0[0] } }, at: [x], "a body that returns its input")
        checkGradient(
            of: { inputs in
                let shared = inputs[0].exp()
                return segment([shared]) { $0[0].sine() } * segment([shared]) { $0[0].cosine() } + shared
            }, at: [x], "two segments of one input")
    }

    func testKeepsNothingInside() {
        let allocator = CPUBackend.shared.allocator
        let x = randomTensor([1 << 16], seed: 8).tracked()
        let before = allocator.statistics.inUse
        let y = segment([x]) { $0[0].exp().sine().squared().tanh() }
        XCTAssertTrue(y.isTracked)
        XCTAssertEqual(allocator.statistics.inUse - before, 4 << 16)
        // Nor on the way: an op's input and output, not the whole chain.
        allocator.resetPeak()
        let z = segment([x]) { inputs in (0..<20).reduce(inputs[0]) { state, _ in state.tanh() } }
        XCTAssertTrue(z.isTracked)
        XCTAssertLessThanOrEqual(allocator.statistics.peak - before, 4 * 4 << 16)
    }

    func testRunsOnceWithoutRecording() {
        var runs = 0
        let x = Tensor.ones([1]).tracked()
        let y = withoutRecording {
            segment([x]) { inputs in
                runs += 1
                return inputs[0] + 1.0
            }
        }
        XCTAssertFalse(y.isTracked)
        XCTAssertEqual(runs, 1)
        let z = segment([x]) { inputs in
            runs += 1
            return inputs[0] + 1.0
        }
        XCTAssertEqual(runs, 2)
        _ = gradients(of: z)
        XCTAssertEqual(runs, 3, "once more on the way back")
    }

    /// A block of a UNet re-run in the backward pass gives the same bits, and holds less meanwhile.
    func testImageOperationsInASegment() {
        let x = randomTensor([2, 32, 32, 32], seed: 20)
        let dy = randomTensor([2, 64, 64, 32], seed: 21)
        let filters = randomTensor([32, 3, 3, 32], seed: 22) * 0.1
        let block = { (x: Tensor) in
            let hidden = conv2d(
                groupNorm(x, groups: 8, scale: nil, shift: nil, silu: true), filters, padding: Padding(1))
            let tokens = hidden.reshaped(2, 1024, 2, 16)
            let mixed = (hidden + attention(tokens, tokens, tokens).reshaped(2, 32, 32, 32)).upsampled()
            return Tensor.concatenated([mixed, mixed], axis: 3).geglu()
        }
        let allocator = CPUBackend.shared.allocator
        let run = { (forward: (Tensor) -> Tensor) in
            let leaf = x.tracked()
            let before = allocator.statistics.inUse
            let y = forward(leaf)
            let held = allocator.statistics.inUse - before
            return (y: y.detached, gradient: gradients(of: [(y, dy)])[leaf], held: held)
        }
        let whole = run(block)
        let segmented = run { segment([$0]) { block($0[0]) } }
        assertIdentical(segmented.y, whole.y)
        assertIdentical(segmented.gradient ?? x, whole.gradient ?? dy)
        XCTAssertLessThan(2 * segmented.held, whole.held)
    }
}
