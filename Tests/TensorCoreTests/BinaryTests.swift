import TensorCore
import TestSupport
import XCTest

final class BinaryTests: XCTestCase {
    static func reference(_ op: BinaryOp, _ a: Double, _ b: Double) -> Double {
        switch op {
        case .add: a + b
        case .subtract: a - b
        case .multiply: a * b
        case .divide: a / b
        case .maximum: max(a, b)
        case .minimum: min(a, b)
        }
    }

    /// Pairs that broadcast, in every way an axis can repeat.
    static let shapes: [(Shape, Shape)] = [
        ([4, 5], [4, 5]), ([4, 5], [5]), ([5], [4, 5]), ([4, 5], [4, 1]), ([4, 5], []), ([], [3]),
        ([], []), ([4, 1], [1, 5]), ([2, 3, 4], [3, 1]), ([2, 1, 4], [1, 3, 1]), ([2, 3, 4], [2, 1, 4]),
        ([2, 3, 4, 5], [2, 1, 1, 5]), ([1, 3, 1, 5], [2, 1, 4, 1]), ([1, 1], [1]), ([0, 3], [3]),
        ([2, 0], [1]),
        ([2, 2, 2, 2, 2, 2], [2, 1, 2, 1, 2, 1]),
    ]

    func testBroadcastsLikeItsDefinition() {
        forEachDevice { device in
            for op in BinaryOp.allCases {
                for (left, right) in Self.shapes {
                    let a = randomTensor(left, seed: 1, on: device)
                    let b = randomTensor(right, in: 0.5...2, seed: 2, on: device)
                    let (x, y) = (NaiveArray(a), NaiveArray(b))
                    let expected = NaiveArray(Shape.broadcast(left, right)?.dimensions ?? []) {
                        Self.reference(op, x[$0], y[$0])
                    }
                    assertClose(
                        a.combined(op, b), expected.tensor(.float32), relative: 1e-7,
                        "\(op) of \(left) and \(right)")
                }
            }
        }
    }

    /// Long enough for several threads and odd enough for remainders of vectors.
    func testBroadcastsLargeTensors() {
        forEachDevice { device in
            let (rows, columns) = (523, 257)
            let a = randomTensor([rows, columns], seed: 3, on: device)
            let operands: [(Shape, (Int) -> Int)] = [
                ([523, 257], { $0 }), ([257], { $0 % columns }), ([523, 1], { $0 / columns }),
                ([], { _ in 0 }),
            ]
            for (shape, index) in operands {
                let b = randomTensor(shape, seed: 4, on: device)
                let (left, right) = (a.floats, b.floats)
                assertClose((a - b).floats, left.indices.map { left[$0] - right[index($0)] }, "a − \(shape)")
                assertClose((b - a).floats, left.indices.map { right[index($0)] - left[$0] }, "\(shape) − a")
            }
        }
    }

    func testAdjointsAgreeWithCentralDifferences() {
        let ops: [(String, (Tensor, Tensor) -> Tensor)] = [
            ("+", { $0 + $1 }), ("-", { $0 - $1 }), ("*", { $0 * $1 }), ("/", { $0 / $1 }),
        ]
        for (name, op) in ops {
            for (left, right) in Self.shapes {
                let a = randomTensor(left, seed: 5, dtype: .float64)
                let b = randomTensor(right, in: 0.5...2, seed: 6, dtype: .float64)
                checkGradient(of: { op($0[0], $0[1]) }, at: [a, b], "\(left) \(name) \(right)")
            }
        }
    }

    func testOneOperandMayBeFrozen() {
        let a = randomTensor([3, 4], seed: 7, dtype: .float64)
        let b = randomTensor([4], in: 0.5...2, seed: 8, dtype: .float64)
        for op in [{ $0 + $1 }, { $0 - $1 }, { $0 * $1 }, { $0 / $1 }] as [(Tensor, Tensor) -> Tensor] {
            checkGradient(of: { op($0[0], b) }, at: [a])
            checkGradient(of: { op(a, $0[0]) }, at: [b])
        }
    }

    func testAnOperandMayMeetItself() {
        let a = randomTensor([5], in: 0.5...2, seed: 9, dtype: .float64)
        checkGradient(of: { $0[0] * $0[0] }, at: [a])
        checkGradient(of: { $0[0] / $0[0] + $0[0] }, at: [a])
        checkGradient(of: { $0[0] - $0[0].reshaped(5, 1) }, at: [a])
    }
}
