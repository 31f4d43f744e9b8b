import Foundation
import TensorCore
import TestSupport
import XCTest

final class BackwardTests: XCTestCase {
    private let chainLength = 20_000

    func testALeafUsedManyTimesCollectsEveryUse() {
        let x = Tensor([0.5, -1.5], shape: [2]).tracked()
        var sum = x
        for factor in 2...100 { sum = sum + x * Double(factor) }
        assertClose(gradients(of: sum.sum())[x]?.doubles ?? [], [5050, 5050])
        // x³ through three paths.
        assertClose(gradients(of: (x * x * x).sum())[x]?.doubles ?? [], [0.75, 6.75], relative: 1e-15)
    }

    func testADiamondIsWalkedOncePerNode() {
        let x = randomTensor([4], seed: 1, dtype: .float64)
        checkGradient(
            of: { inputs in
                let shared = inputs[0].exp()
                let (left, right) = (shared.squared(), shared.sine())
                return left * right + shared
            }, at: [x])
    }

    func testSeveralOutputsAddUp() {
        let x = Tensor([2.0], shape: [1]).tracked()
        let y = x.squared()
        let outputs = [
            (y * 3, Tensor([1.0], shape: [1])), (y, Tensor([10.0], shape: [1])),
            (y, .ones([1], dtype: .float64)),
        ]
        XCTAssertEqual(gradients(of: outputs)[x]?.doubles, [4 * (3 + 10 + 1)])
        XCTAssertEqual(gradients(of: [(x, Tensor([7.0], shape: [1]))])[x]?.doubles, [7], "the leaf itself")
    }

    func testOnlyLeavesThatWereReachedHaveGradients() {
        let (x, y) = (Tensor.ones([2]).tracked(), Tensor.ones([2]).tracked())
        let result = gradients(of: x.sum())
        XCTAssertNotNil(result[x])
        XCTAssertNil(result[y])
        XCTAssertNil(result[Tensor.ones([2])])
        XCTAssertNil(gradients(of: (y.detached * x.detached).sum())[x])
        XCTAssertNotEqual(x.isTracked, x.detached.isTracked)
    }

    func testNothingIsRecordedWithoutRecording() {
        let x = randomTensor([3], seed: 2).tracked()
        let quiet = withoutRecording { x.squared() + x }
        XCTAssertFalse(quiet.isTracked)
        XCTAssertTrue(withoutRecording { withRecording { x.squared() } }.isTracked)
        XCTAssertTrue(x.squared().isTracked)
        assertIdentical(quiet, x.detached.squared() + x.detached)
    }

    func testSavedTensorsGoAsThePassGoesBy() {
        let allocator = CPUBackend.shared.allocator
        let x = Tensor.ones([1 << 16]).tracked()
        let before = allocator.statistics.inUse
        var y = x
        for _ in 0..<20 { y = y.squared() }
        let loss = y.sum()
        y = x
        let held = allocator.statistics.inUse - before
        XCTAssertGreaterThanOrEqual(held, 20 * 4 << 16 - 4 << 16)
        allocator.resetPeak()
        let result = gradients(of: loss)
        // The pass needs the gradient, its successor and the broadcast seed at once, while saved tensors leave.
        XCTAssertLessThanOrEqual(allocator.statistics.peak - before, held + 3 * 4 << 16)
        XCTAssertEqual(allocator.statistics.inUse - before, (4 << 16) + 64, "the gradient and the loss")
        assertClose(result[x]?.floats ?? [], Array(repeating: exp2(20), count: 1 << 16))
    }

    func testFrozenFactorsKeepNoActivations() {
        let allocator = CPUBackend.shared.allocator
        let frozen = randomTensor([1 << 16], seed: 3)
        let matrix = randomTensor([256, 256], seed: 4)
        let x = randomTensor([1 << 16], seed: 5).tracked()
        let before = allocator.statistics.inUse
        var y = x
        for _ in 0..<10 { y = (y * frozen + frozen) / frozen - frozen }
        for _ in 0..<10 { y = linear(matmul(y.reshaped(256, 256), matrix), matrix).reshaped(-1) }
        XCTAssertLessThanOrEqual(allocator.statistics.inUse - before, 4 << 16, "the result alone")
    }

    private func chain(_ length: Int, from x: Tensor) -> Tensor {
        var y = x
        for _ in 0..<length { y = y + 1.0 }
        return y
    }

    func testLongChainsAreWalkedAndFreed() {
        let x = Tensor.ones([1]).tracked()
        XCTAssertEqual(gradients(of: chain(chainLength, from: x))[x]?.floats, [1])
        _ = chain(chainLength, from: x)
        let segments = (0..<chainLength).reduce(x) { y, _ in segment([y]) { $0[0] + 1.0 } }
        XCTAssertEqual(segments.floats, [Float(chainLength + 1)])
    }

    func testLongChainsAreFreedOnASmallStack() {
        let length = chainLength
        let finished = DispatchSemaphore(value: 0)
        let thread = Thread {
            let x = Tensor.ones([1]).tracked()
            var y = x
            for _ in 0..<length { y = y + 1.0 }
            var z = x
            for _ in 0..<length { z = segment([z]) { $0[0] + 1.0 } }
            let walked = gradients(of: y)[x]
            XCTAssertEqual(walked?.floats, [1])
            y = (0..<length).reduce(x) { y, _ in y * x }
            y = x
            z = x
            finished.signal()
        }
        thread.stackSize = 128 << 10
        thread.start()
        XCTAssertEqual(finished.wait(timeout: .now() + 60), .success)
    }

    func testPassesOnSeveralThreadsMayShareLeaves() throws {
        Parallel.configure(threads: 2)
        let weight = randomTensor([16, 16], seed: 6).tracked()
        let pass: @Sendable (Int) -> [Float] = { index in
            var y = randomTensor([32, 16], seed: 100 + UInt64(index))
            for _ in 0..<4 { y = linear(y, weight).tanh() }
            return gradients(of: y.sum())[weight]?.floats ?? []
        }
        let expected = (0..<64).map(pass)
        XCTAssertEqual(try Parallel.map(64, pass), expected)
    }
}
