import Foundation
import TensorCore
import TestSupport
import XCTest

/// Attention of f32 and bf16 against the same in double, by the processor's products of panels and without them.
final class PackedAttentionTests: XCTestCase {
    private struct Case {
        var batch = 1
        let queries: Int
        let keys: Int
        var heads = 4
        let width: Int
        var isCausal = false
        var hidesKeys = false
    }

    /// Whole tiles, cut ones, and several of both; pairs that have no second element.
    private static let cases = [
        Case(batch: 2, queries: 200, keys: 300, heads: 2, width: 40),
        Case(queries: 13, keys: 77, width: 80), Case(queries: 400, keys: 129, width: 5),
        Case(queries: 192, keys: 128, width: 160),
        Case(queries: 300, keys: 310, width: 64, isCausal: true),
        Case(batch: 2, queries: 20, keys: 140, width: 8, hidesKeys: true),
    ]

    override func tearDown() { Parallel.configure(threads: ProcessInfo.processInfo.activeProcessorCount) }

    private func inputs(_ test: Case, _ dtype: DType = .bfloat16) -> [Tensor] {
        [test.queries, test.keys, test.keys].enumerated().map { index, tokens in
            randomTensor([test.batch, tokens, test.heads, test.width], seed: UInt64(index)).cast(to: dtype)
        }
    }

    private func keyMask(_ test: Case) -> Tensor? {
        guard test.hidesKeys else { return nil }
        let seen = (0..<(test.batch * test.keys)).map { Int32($0 % 3 == 0 ? 0 : 1) }
        return Tensor(indices: seen, shape: [test.batch, test.keys])
    }

    /// y and all gradients.
    private func results(_ test: Case, _ inputs: [Tensor]) -> [Tensor] {
        let leaves = inputs.map { $0.tracked() }
        let y = attention(
            leaves[0], leaves[1], leaves[2], isCausal: test.isCausal, keyMask: keyMask(test))
        let dy = randomTensor(y.shape, seed: 9).cast(to: .bfloat16).cast(to: y.dtype)
        let result = gradients(of: [(y, dy)])
        return [y.detached] + leaves.compactMap { result[$0] }
    }

    private static let tolerances: [(DType, Double)] = [(.bfloat16, 0.01), (.float32, 4e-6)]

    private func checkAll(line: UInt = #line) {
        for (dtype, tolerance) in Self.tolerances { check(dtype, within: tolerance, line: line) }
    }

    private func check(_ dtype: DType, within tolerance: Double, line: UInt) {
        for test in Self.cases {
            let inputs = inputs(test, dtype)
            let found = results(test, inputs)
            let exact = results(test, inputs.map { $0.cast(to: .float64) })
            XCTAssertEqual(found.count, 4)
            for (found, exact) in zip(found, exact) {
                XCTAssertEqual(found.dtype, dtype)
                assertWithin(tolerance, found.cast(to: .float64), exact, "\(test)", line: line)
            }
        }
    }

    func testAgreesWithDouble() { checkAll() }

    func testAgreesWithDoubleWithoutThem() {
        PanelProducts.$areWanted.withValue(false) { checkAll() }
    }

    /// Another order of sums, and rounding what goes into products, show in the bits.
    func testTheyAreUsedWhereTheProcessorHasThem() {
        for (dtype, _) in Self.tolerances {
            let inputs = inputs(Self.cases[0], dtype)
            let bits = { self.results(Self.cases[0], inputs).map(\.doubles) }
            let without = PanelProducts.$areWanted.withValue(false) { bits() }
            // bf16 without products of its own is computed in f32, which may have them.
            let areUsed = PanelProducts.areUsed(for: dtype) || PanelProducts.areUsed(for: .float32)
            XCTAssertEqual(bits() != without, areUsed, "\(dtype)")
        }
    }

    func testThreadsDoNotChangeABit() {
        for (dtype, _) in Self.tolerances {
            let inputs = inputs(Self.cases[0], dtype)
            let runs = [1, 2, 3].map { threads in
                Parallel.configure(threads: threads)
                return results(Self.cases[0], inputs)
            }
            for run in runs.dropFirst() {
                for (found, expected) in zip(run, runs[0]) { assertIdentical(found, expected) }
            }
        }
    }

    func testPackedProjectionsAndSingleGradientsAreTheSame() {
        let test = Case(batch: 2, queries: 150, keys: 150, width: 12)
        let inputs = inputs(test)
        let all = results(test, inputs)
        let shape = [test.batch, test.queries, 1, test.heads, test.width]
        let packed = Tensor.concatenated(inputs.map { $0.reshaped(shape) }, axis: 2).tracked()
        let y = attention(packed: packed)
        let dy = randomTensor(y.shape, seed: 9).cast(to: .bfloat16)
        assertIdentical(y.detached, all[0])
        let expected = Tensor.concatenated(all.dropFirst().map { $0.reshaped(shape) }, axis: 2)
        assertIdentical(gradients(of: [(y, dy)])[packed] ?? y, expected)
        for role in 0..<3 {
            var some = inputs
            some[role] = some[role].tracked()
            let y = attention(some[0], some[1], some[2])
            assertIdentical(gradients(of: [(y, dy)])[some[role]] ?? y, all[role + 1], "role \(role)")
        }
    }

    func testAQueryThatSeesNothingGetsZero() {
        let test = Case(queries: 5, keys: 3, width: 2, isCausal: true)
        let found = results(test, inputs(test))
        XCTAssertEqual(Array(found[0].doubles.prefix(2 * 4 * 2)), Array(repeating: 0, count: 16))
        XCTAssertTrue(found.allSatisfy { $0.doubles.allSatisfy(\.isFinite) })
    }
}
