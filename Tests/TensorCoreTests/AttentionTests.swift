import TensorCore
import TestSupport
import XCTest

final class AttentionTests: XCTestCase {
    private func results(
        _ inputs: [Tensor], dy: Tensor? = nil, _ attend: ([Tensor]) -> Tensor
    ) -> (y: Tensor, gradients: [Tensor]) {
        let leaves = inputs.map { $0.tracked() }
        let y = attend(leaves)
        let result = gradients(of: [(y, dy ?? randomTensor(y.shape, seed: 5, dtype: y.dtype))])
        return (y.detached, leaves.compactMap { result[$0] })
    }

    private func inputs(
        batch: Int, queries: Int, keys: Int, heads: Int, width: Int, dtype: DType = .float64
    ) -> [Tensor] {
        [
            randomTensor([batch, queries, heads, width], seed: 1, dtype: dtype),
            randomTensor([batch, keys, heads, width], seed: 2, dtype: dtype),
            randomTensor([batch, keys, heads, width], seed: 3, dtype: dtype),
        ]
    }

    /// The definition, by ops that have tests of their own.
    private func naive(_ inputs: [Tensor], hidden: Tensor? = nil) -> Tensor {
        let heads = inputs.map { $0.permuted([0, 2, 1, 3]) }
        var scores = matmul(heads[0], heads[1], transposeB: true) / Double(inputs[0].shape[3]).squareRoot()
        if let hidden { scores = scores + hidden.broadcast(to: scores.shape) }
        return matmul(scores.softmax(), heads[2]).permuted([0, 2, 1, 3])
    }

    /// −∞ where query i must not see key j.
    private func causalMask(queries: Int, keys: Int) -> Tensor {
        NaiveArray([queries, keys]) { $0[1] > $0[0] + keys - queries ? -.infinity : 0 }.tensor()
    }

    private func assertSame(
        _ actual: (y: Tensor, gradients: [Tensor]), _ expected: (y: Tensor, gradients: [Tensor]),
        tolerance: Double = 1e-12, _ message: String = "", line: UInt = #line
    ) {
        for (actual, expected) in zip([actual.y] + actual.gradients, [expected.y] + expected.gradients) {
            assertClose(
                actual.cast(to: .float64), expected.cast(to: .float64), absolute: tolerance,
                relative: tolerance, message, line: line)
        }
    }

    func testMatchesPyTorch() throws {
        let fixture = try ImageFixture.load()
        for dtype in [DType.float64, .float32] {
            for reference in fixture.attentions {
                let shape = { [reference.batch, $0, reference.heads, reference.width] }
                let inputs = [
                    ImageFixture.wave(shape(reference.queries), phase: 0, dtype: dtype),
                    ImageFixture.wave(shape(reference.keys), phase: 1, dtype: dtype),
                    ImageFixture.wave(shape(reference.keys), phase: 2, dtype: dtype),
                ]
                let (y, gradients) = results(inputs, dy: ImageFixture.upstream(inputs[0])) {
                    attention($0[0], $0[1], $0[2], isCausal: reference.causal)
                }
                let tolerance = ImageFixture.tolerance(dtype)
                let expected = [reference.y, reference.dQ, reference.dK, reference.dV]
                for (actual, expected) in zip([y] + gradients, expected) {
                    assertClose(actual.doubles, expected, absolute: tolerance, relative: tolerance)
                }
            }
        }
    }

    func testAdjointsAgreeWithCentralDifferences() {
        for (queries, keys) in [(4, 4), (5, 3), (2, 6)] {
            let inputs = inputs(batch: 2, queries: queries, keys: keys, heads: 2, width: 3)
            for isCausal in [false, true] {
                checkGradient(
                    of: { attention($0[0], $0[1], $0[2], isCausal: isCausal, scale: 0.4) }, at: inputs,
                    "\(queries) queries, \(keys) keys, causal \(isCausal)")
            }
        }
        checkGradient(
            of: { attention(packed: $0[0]) }, at: [randomTensor([2, 4, 3, 2, 3], seed: 4, dtype: .float64)])
    }

    /// Several tiles of queries and of keys, some cut, and few enough heads for the keys to be shared out.
    func testTilesAgreeWithTheDefinition() {
        for (queries, keys) in [(300, 1100), (129, 513), (128, 512), (700, 77)] {
            let inputs = inputs(batch: 1, queries: queries, keys: keys, heads: 2, width: 5)
            assertSame(
                results(inputs) { attention($0[0], $0[1], $0[2]) }, results(inputs) { naive($0) },
                "\(queries) × \(keys)")
            let mask = causalMask(queries: queries, keys: keys)
            if keys >= queries {
                assertSame(
                    results(inputs) { attention($0[0], $0[1], $0[2], isCausal: true) },
                    results(inputs) { naive($0, hidden: mask) }, "causal \(queries) × \(keys)")
            }
        }
    }

    func testSinglePrecisionAgreesWithDouble() {
        for width in [32, 40, 64, 160] {
            let wide = inputs(batch: 2, queries: 200, keys: 600, heads: 2, width: width, dtype: .float32)
            assertSame(
                results(wide) { attention($0[0], $0[1], $0[2]) },
                results(wide.map { $0.cast(to: .float64) }) { attention($0[0], $0[1], $0[2]) },
                tolerance: 3e-6, "width \(width)")
        }
    }

    /// Scores of ±1000 must not overflow, nor late large ones spoil what came before.
    func testLargeScores() {
        var inputs = inputs(batch: 1, queries: 9, keys: 1200, heads: 1, width: 4)
        inputs[0] = inputs[0] * 400
        assertSame(
            results(inputs) { attention($0[0], $0[1], $0[2]) }, results(inputs) { naive($0) },
            tolerance: 1e-10)
        let single = attention(
            inputs[0].cast(to: .float32), inputs[1].cast(to: .float32), inputs[2].cast(to: .float32))
        XCTAssertTrue(single.floats.allSatisfy(\.isFinite))
    }

    func testHiddenKeys() {
        let inputs = inputs(batch: 2, queries: 6, keys: 70, heads: 2, width: 4)
        let seen = (0..<140).map { Int32($0 % 3 == 0 || $0 == 100 ? 0 : 1) }
        let keyMask = Tensor(indices: seen, shape: [2, 70])
        let hidden = Tensor(seen.map { $0 == 0 ? -Double.infinity : 0 }, shape: [2, 1, 1, 70])
        assertSame(
            results(inputs) { attention($0[0], $0[1], $0[2], keyMask: keyMask) },
            results(inputs) { naive($0, hidden: hidden) })
    }

    /// The first queries of a causal attention to fewer keys, and all of a batch whose keys are all hidden.
    func testAQueryThatSeesNothingGetsZero() {
        let inputs = inputs(batch: 1, queries: 5, keys: 3, heads: 1, width: 2)
        let causal = results(inputs) { attention($0[0], $0[1], $0[2], isCausal: true) }
        XCTAssertEqual(Array(causal.y.doubles.prefix(4)), [0, 0, 0, 0])
        XCTAssertTrue(causal.gradients.allSatisfy { $0.doubles.allSatisfy(\.isFinite) })
        let masked = results(inputs) {
            attention($0[0], $0[1], $0[2], keyMask: Tensor(indices: [0, 0, 0], shape: [1, 3]))
        }
        for tensor in [masked.y] + masked.gradients {
            XCTAssertTrue(tensor.doubles.allSatisfy { $0 == 0 })
        }
    }

    func testPackedProjectionsAreTheSameAttention() {
        let shape: [Int] = [2, 300, 2, 5]
        let parts = inputs(batch: 2, queries: 300, keys: 300, heads: 2, width: 5)
        let columns = { (tensors: [Tensor]) in
            Tensor.concatenated(tensors.map { $0.reshaped(2, 300, 1, 2, 5) }, axis: 2)
        }
        let apart = results(parts) { attention($0[0], $0[1], $0[2]) }
        let packed = results([columns(parts)]) { attention(packed: $0[0]) }
        assertIdentical(packed.y, apart.y)
        assertIdentical(packed.gradients[0], columns(apart.gradients))
        let half = results([parts[0], columns([parts[1], parts[2]])]) {
            attention($0[0], keysAndValues: $0[1])
        }
        assertIdentical(half.y, apart.y)
        assertIdentical(half.gradients[0].reshaped(shape), apart.gradients[0])
        assertIdentical(half.gradients[1], columns([apart.gradients[1], apart.gradients[2]]))
    }

    func testOnlyWhatIsAskedForIsComputed() {
        let inputs = inputs(batch: 1, queries: 4, keys: 5, heads: 2, width: 3)
        checkGradient(of: { attention($0[0], inputs[1], inputs[2]) }, at: [inputs[0]])
        checkGradient(of: { attention(inputs[0], $0[0], inputs[2]) }, at: [inputs[1]])
        checkGradient(of: { attention(inputs[0], inputs[1], $0[0]) }, at: [inputs[2]])
    }

    /// 4,096² scores would be 64 MiB for each head.
    func testScoresAreNeverWhole() {
        let inputs = inputs(batch: 1, queries: 4096, keys: 4096, heads: 1, width: 8, dtype: .float32)
        let allocator = CPUBackend.shared.allocator
        allocator.resetPeak()
        let before = allocator.statistics.inUse
        _ = results(inputs) { attention($0[0], $0[1], $0[2]) }
        XCTAssertLessThan(allocator.statistics.peak - before, 16 << 20)
    }

    func testTypesOfTwoBytesAreWidened() {
        for dtype in [DType.float16, .bfloat16] {
            let halves = inputs(batch: 1, queries: 20, keys: 30, heads: 2, width: 8).map {
                $0.cast(to: dtype)
            }
            let wide = halves.map { $0.cast(to: .float32) }
            PanelProducts.$areWanted.withValue(false) {
                assertIdentical(
                    attention(halves[0], halves[1], halves[2]),
                    attention(wide[0], wide[1], wide[2]).cast(to: dtype))
            }
        }
    }
}
