import Foundation
import TensorCore
import TestSupport
import XCTest

/// Convolutions of bf16 against the same in double, rounded once, by the processor's instruction and by widening.
final class PairConvolutionTests: XCTestCase {
    private struct Case {
        let image: Shape
        let weight: Shape
        var stride = 1
        var padding = Padding(1)
    }

    /// Panels that are whole, halved and cut; rows for every width of the kernel; one channel without a neighbour.
    private static let cases = [
        Case(image: [2, 9, 25, 16], weight: [40, 3, 3, 16]),
        Case(image: [1, 8, 8, 70], weight: [4, 3, 3, 70]),
        Case(image: [2, 5, 7, 4], weight: [33, 3, 3, 4]),
        Case(image: [2, 9, 10, 6], weight: [8, 3, 3, 6], stride: 2),
        Case(image: [1, 9, 10, 6], weight: [8, 3, 3, 6], stride: 2, padding: Padding(bottom: 1, right: 1)),
        Case(image: [2, 6, 6, 8], weight: [10, 1, 1, 8], padding: Padding()),
        Case(image: [1, 12, 13, 2], weight: [6, 5, 3, 2], padding: Padding(top: 2, bottom: 2, right: 1)),
        Case(image: [1, 9, 9, 3], weight: [5, 3, 3, 3]),
    ]

    override func tearDown() { Parallel.configure(threads: ProcessInfo.processInfo.activeProcessorCount) }

    private func inputs(_ test: Case) -> [Tensor] {
        [test.image, test.weight, [test.weight[0]]].enumerated().map { index, shape in
            randomTensor(shape, seed: UInt64(index)).cast(to: .bfloat16)
        }
    }

    /// y, with an addend if there is one, and the gradient of x.
    private func results(_ test: Case, _ inputs: [Tensor], addend: Tensor? = nil) -> [Tensor] {
        let x = inputs[0].tracked()
        let y = conv2d(
            x, inputs[1], inputs[2], stride: test.stride, padding: test.padding,
            adding: addend?.cast(to: x.dtype))
        let dy = randomTensor(y.shape, seed: 9).cast(to: .bfloat16).cast(to: y.dtype)
        return [y.detached] + [gradients(of: [(y, dy)])[x]].compactMap { $0 }
    }

    private func checkAll(line: UInt = #line) {
        for test in Self.cases {
            let inputs = inputs(test)
            let found = results(test, inputs)
            let exact = results(test, inputs.map { $0.cast(to: .float64) })
            XCTAssertEqual(found.count, 2)
            for (found, exact) in zip(found, exact) {
                XCTAssertEqual(found.dtype, .bfloat16)
                assertClose(
                    found.cast(to: .float64), exact, absolute: 1e-4, relative: 1 / 256, "\(test)", line: line)
            }
        }
    }

    func testIsRoundedOnce() { checkAll() }

    func testIsRoundedOnceWithoutTheInstruction() {
        PanelProducts.$areWanted.withValue(false) { checkAll() }
    }

    /// The bias joins the addend, rounded as an addition is.
    func testAddsToWhatIsThere() {
        let test = Self.cases[0]
        let inputs = inputs(test)
        let addend = randomTensor([2, 9, 25, 40], seed: 4).cast(to: .bfloat16)
        assertWithin(
            1 / 128, results(test, inputs, addend: addend)[0].cast(to: .float64),
            results(test, inputs.map { $0.cast(to: .float64) }, addend: addend)[0])
    }

    func testThreadsDoNotChangeABit() {
        let inputs = inputs(Self.cases[0])
        let runs = [1, 2, 3].map { threads in
            Parallel.configure(threads: threads)
            return results(Self.cases[0], inputs)
        }
        for run in runs.dropFirst() {
            for (found, expected) in zip(run, runs[0]) { assertIdentical(found, expected) }
        }
    }

    /// Nothing as large as patches of the image, nine times its size, exists.
    func testLaysOutNoPatches() throws {
        try XCTSkipUnless(PanelProducts.areUsed(for: .bfloat16), "this processor has no products of bf16")
        let (x, weight) = (
            randomTensor([1, 64, 64, 64], seed: 1).cast(to: .bfloat16),
            randomTensor([32, 3, 3, 64], seed: 2).cast(to: .bfloat16)
        )
        let allocator = CPUBackend.shared.allocator
        allocator.resetPeak()
        let before = allocator.statistics.inUse
        _ = conv2d(x, weight, padding: Padding(1))
        XCTAssertLessThan(allocator.statistics.peak - before, 3 * x.byteCount)
    }
}
