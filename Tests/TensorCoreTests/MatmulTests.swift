import TensorCore
import TestSupport
import XCTest

final class MatmulTests: XCTestCase {
    /// Every way two operands fit: plain, batched, and one shared by the batch.
    private static let leads: [([Int], [Int])] = [
        ([], []), ([3], [3]), ([2, 3], [2, 3]), ([3], []), ([], [3]), ([2, 3], []), ([], [2, 3]), ([1], [1]),
    ]

    private func operands(
        _ leads: ([Int], [Int]), _ m: Int, _ k: Int, _ n: Int, _ transposeA: Bool, _ transposeB: Bool,
        _ dtype: DType, _ device: Device = .cpu
    ) -> (Tensor, Tensor) {
        let a = Shape(leads.0 + (transposeA ? [k, m] : [m, k]))
        let b = Shape(leads.1 + (transposeB ? [n, k] : [k, n]))
        return (
            randomTensor(a, seed: 1, dtype: dtype, on: device),
            randomTensor(b, seed: 2, dtype: dtype, on: device)
        )
    }

    /// c[…, i, j] = Σ_l op(a)[…, i, l] · op(b)[…, l, j].
    private func naive(_ a: Tensor, _ b: Tensor, _ transposeA: Bool, _ transposeB: Bool) -> NaiveArray {
        let (x, y) = (NaiveArray(a), NaiveArray(b))
        let lead = Array(max(x.shape.count, y.shape.count) == x.shape.count ? x.shape : y.shape).dropLast(2)
        let (m, k) = transposeA ? (a.shape[-1], a.shape[-2]) : (a.shape[-2], a.shape[-1])
        let n = transposeB ? b.shape[-2] : b.shape[-1]
        return NaiveArray(lead + [m, n]) { index in
            let (batch, i, j) = (Array(index.dropLast(2)), index[index.count - 2], index[index.count - 1])
            return (0..<k).reduce(0) { sum, l in
                sum + x[batch + (transposeA ? [l, i] : [i, l])] * y[batch + (transposeB ? [j, l] : [l, j])]
            }
        }
    }

    private func forEachCombination(_ body: (([Int], [Int]), Bool, Bool) throws -> Void) rethrows {
        for leads in Self.leads {
            for transposeA in [false, true] {
                for transposeB in [false, true] { try body(leads, transposeA, transposeB) }
            }
        }
    }

    func testMatchesItsDefinition() {
        forEachDevice { device in
            for dtype in [DType.float32, .float64] where dtype == .float32 || device == .cpu {
                forEachCombination { leads, transposeA, transposeB in
                    let (a, b) = operands(leads, 5, 7, 4, transposeA, transposeB, dtype, device)
                    let c = matmul(a, b, transposeA: transposeA, transposeB: transposeB)
                    let epsilon = dtype == .float32 ? 1e-6 : 1e-14
                    assertClose(
                        c, naive(a, b, transposeA, transposeB).tensor(dtype), absolute: 10 * epsilon,
                        relative: epsilon, "\(a.shape) \(transposeA) \(b.shape) \(transposeB)")
                }
            }
        }
    }

    func testAdjointsAgreeWithCentralDifferences() {
        forEachCombination { leads, transposeA, transposeB in
            let (a, b) = operands(leads, 3, 2, 4, transposeA, transposeB, .float64)
            checkGradient(
                of: { matmul($0[0], $0[1], transposeA: transposeA, transposeB: transposeB) }, at: [a, b],
                "\(a.shape) \(transposeA) \(b.shape) \(transposeB)")
        }
    }

    func testOneOperandMayBeFrozen() {
        forEachCombination { leads, transposeA, transposeB in
            let (a, b) = operands(leads, 2, 3, 2, transposeA, transposeB, .float64)
            let product = { matmul($0, $1, transposeA: transposeA, transposeB: transposeB) }
            checkGradient(of: { product($0[0], b) }, at: [a])
            checkGradient(of: { product(a, $0[0]) }, at: [b])
        }
    }

    func testAMatrixMayMeetItself() {
        let a = randomTensor([3, 3], seed: 3, dtype: .float64)
        checkGradient(of: { matmul($0[0], $0[0]) }, at: [a])
        checkGradient(of: { matmul($0[0], $0[0], transposeB: true) }, at: [a])
    }

    func testEmptyExtents() {
        forEachCombination { leads, transposeA, transposeB in
            for (m, k, n) in [(0, 3, 2), (3, 0, 2), (3, 2, 0)] {
                let (a, b) = operands(leads, m, k, n, transposeA, transposeB, .float32)
                let c = matmul(a, b, transposeA: transposeA, transposeB: transposeB)
                let lead = leads.0.isEmpty ? leads.1 : leads.0
                assertIdentical(c, .zeros(Shape(lead + [m, n])), "\(m) × \(k) × \(n)")
            }
        }
    }

    /// Sizes at which the library splits work over threads and tiles.
    func testLargeProducts() {
        forEachDevice { device in
            for (m, k, n) in [(257, 129, 65), (1, 300, 200), (300, 200, 1), (64, 1, 64)] {
                let a = randomTensor([m, k], seed: 4, on: device)
                let b = randomTensor([n, k], seed: 5, on: device)
                let (wideA, wideB) = (a.cast(to: .float64), b.cast(to: .float64))
                let expected = (wideA.reshaped(m, 1, k) * wideB.reshaped(1, n, k)).sum(axis: 2)
                assertClose(
                    matmul(a, b, transposeB: true), expected.cast(to: .float32), absolute: 2e-5,
                    relative: 1e-6, "\(m) × \(k) × \(n)")
            }
        }
    }
}
