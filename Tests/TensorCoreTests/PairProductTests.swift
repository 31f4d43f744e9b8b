import Foundation
import TensorCore
import TestSupport
import XCTest

/// Products of bf16 matrices against the same in double, rounded once; where the processor has no instruction for
/// them, the path that widens.
final class PairProductTests: XCTestCase {
    override func tearDown() { Parallel.configure(threads: ProcessInfo.processInfo.activeProcessorCount) }

    private func values(_ shape: Shape, _ stream: UInt32) -> Tensor {
        Tensor.normal(shape, key: RandomKey(seed: 1, stream: stream)).cast(to: .bfloat16)
    }

    /// Half a unit in the last of 8 bits, and the rounding of sums in float.
    private func assertRoundedOnce(
        _ actual: Tensor, _ expected: Tensor, depth: Int, _ message: String
    ) {
        XCTAssertEqual(actual.dtype, .bfloat16)
        assertClose(
            actual.doubles, expected.doubles, absolute: 1e-6 * Double(depth), relative: 1 / 256, message)
    }

    func testEverySizeAndOrder() { checkAll() }

    func testEverySizeAndOrderWithoutTheInstruction() {
        PanelProducts.$areWanted.withValue(false) { checkAll() }
    }

    private func checkAll() {
        for rows in [1, 4, 13, 97] {
            for columns in [1, 16, 33, 545] {
                for depth in [1, 2, 7, 64, 321] {
                    let a = values([rows, depth], 0)
                    for isTransposed in [false, true] {
                        let b = values(isTransposed ? [columns, depth] : [depth, columns], 1)
                        assertRoundedOnce(
                            matmul(a, b, transposeB: isTransposed),
                            matmul(
                                a.cast(to: .float64), b.cast(to: .float64), transposeB: isTransposed),
                            depth: depth, "\(rows)×\(columns)×\(depth), transposed: \(isTransposed)")
                        assertIdentical(
                            matmul(a.transposed(), b, transposeA: true, transposeB: isTransposed),
                            matmul(a, b, transposeB: isTransposed))
                    }
                }
            }
        }
    }

    func testAddsToWhatIsThere() {
        let (x, weight, addend) = (values([3, 35, 70], 0), values([50, 70], 1), values([3, 35, 50], 2))
        let expected = linear(
            x.cast(to: .float64), weight.cast(to: .float64), adding: addend.cast(to: .float64))
        assertRoundedOnce(linear(x, weight, adding: addend), expected, depth: 70, "addend")
    }

    func testThreadsDoNotChangeABit() {
        let (a, b) = (values([300, 130], 0), values([1100, 130], 1))
        let results = [1, 2, 3].map { threads in
            Parallel.configure(threads: threads)
            return matmul(a, b, transposeB: true)
        }
        assertIdentical(results[1], results[0])
        assertIdentical(results[2], results[0])
    }
}
