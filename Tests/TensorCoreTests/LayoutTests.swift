import TensorCore
import TestSupport
import XCTest

final class LayoutTests: XCTestCase {
    private let types = DType.allCases

    private func sample(_ shape: Shape, _ dtype: DType, _ device: Device = .cpu) -> Tensor {
        guard dtype == .int32 else { return randomTensor(shape, seed: 1, dtype: dtype, on: device) }
        return Tensor(indices: (0..<Int32(shape.elementCount)).map { $0 * 3 - 7 }, shape: shape, on: device)
    }

    private func permutations(of axes: [Int]) -> [[Int]] {
        axes.isEmpty
            ? [[]]
            : axes.flatMap { first in
                permutations(of: axes.filter { $0 != first }).map { [first] + $0 }
            }
    }

    func testReshapeSharesElements() {
        let x = sample([2, 3, 4], .float32)
        for dimensions in [[24], [4, 6], [-1], [2, -1], [3, -1, 4], [1, 24, 1]] {
            let y = x.reshaped(dimensions)
            XCTAssertEqual(y.shape.elementCount, 24)
            XCTAssertEqual(y.floats, x.floats)
            XCTAssertEqual(y.storage.pointer, x.storage.pointer)
        }
        XCTAssertEqual(x.reshaped(2, -1).shape, [2, 12])
        XCTAssertEqual(Tensor.zeros([0, 3]).reshaped(-1).shape, [0])
        checkGradient(of: { $0[0].reshaped(6, 4).squared() }, at: [sample([2, 3, 4], .float64)])
    }

    func testPermutesEveryOrderOfEveryType() {
        forEachDevice { device in
            for dtype in types where dtype != .float64 || device == .cpu {
                for shape in [Shape([3, 4]), [2, 3, 4], [1, 3, 1, 5], [2, 3, 4, 5], [2, 0, 3]] {
                    let x = sample(shape, dtype, device)
                    let source = NaiveArray(x)
                    for axes in permutations(of: Array(0..<shape.rank)) {
                        let expected = NaiveArray(axes.map { shape[$0] }) { index in
                            source[axes.indices.map { index[axes.firstIndex(of: $0) ?? 0] }]
                        }
                        let y = x.permuted(axes)
                        XCTAssertEqual(y.dtype, dtype)
                        XCTAssertEqual(y.shape.dimensions, expected.shape)
                        assertClose(y.doubles, expected.values, "\(shape) by \(axes)")
                    }
                }
            }
        }
    }

    /// Beyond one tile of a transposition, with remainders, over several threads.
    func testTransposesLargeMatrices() {
        let (rows, columns) = (301, 517)
        let x = sample([rows, columns], .float32)
        let (y, source) = (x.transposed().floats, x.floats)
        assertClose(y, (0..<y.count).map { source[$0 % rows * columns + $0 / rows] })
        let batch = sample([3, 67, 45], .bfloat16)
        assertIdentical(batch.transposed(), batch.permuted([0, 2, 1]))
        assertIdentical(batch.transposed().transposed(), batch)
    }

    func testSlicesEveryAxis() {
        for dtype in types {
            for shape in [Shape([6]), [4, 6], [2, 5, 3], [1, 4, 2, 3]] {
                let x = sample(shape, dtype)
                let source = NaiveArray(x)
                for axis in 0..<shape.rank {
                    for lower in 0...shape[axis] {
                        for upper in lower...shape[axis] {
                            let y = x.slice(lower..<upper, axis: axis)
                            let expected = NaiveArray(
                                shape.replacing(axis: axis, with: upper - lower).dimensions
                            ) {
                                var index = $0
                                index[axis] += lower
                                return source[index]
                            }
                            XCTAssertEqual(y.shape.dimensions, expected.shape)
                            assertClose(y.doubles, expected.values, "\(shape) \(lower)..<\(upper) on \(axis)")
                        }
                    }
                }
            }
        }
        let x = sample([4, 6], .float32)
        XCTAssertEqual(x.slice(1..<3).storage.pointer, x.storage.pointer, "leading slices are views")
        assertIdentical(x.slice(1..<3, axis: -1), x.slice(1..<3, axis: 1))
        assertIdentical(
            x.slice(1..<3).slice(1..<2).reshaped(2, 3).transposed(),
            x.slice(2..<3).reshaped(2, 3).transposed())
    }

    func testConcatenatesAlongEveryAxis() {
        for dtype in types {
            for axis in -3..<3 {
                let position = axis < 0 ? axis + 3 : axis
                let extents = [2, 0, 1, 3]
                let parts = extents.map {
                    sample(Shape([2, 3, 4]).replacing(axis: position, with: $0), dtype)
                }
                let whole = Tensor.concatenated(parts, axis: axis)
                XCTAssertEqual(whole.shape[axis], 6)
                var start = 0
                for part in parts {
                    let end = start + part.shape[axis]
                    assertIdentical(whole.slice(start..<end, axis: axis), part, "axis \(axis)")
                    start = end
                }
            }
        }
    }

    func testBroadcastsToLargerShapes() {
        for (from, to) in [
            ([], [3]), ([1], [4]), ([3], [2, 3]), ([2, 1], [2, 5]), ([2, 1, 3], [4, 2, 5, 3]),
            ([1, 1], [3, 2]),
            ([1, 3], [0, 3]), ([2, 3], [2, 3]),
        ] as [(Shape, Shape)] {
            let x = sample(from, .float32)
            let source = NaiveArray(x)
            let expected = NaiveArray(to.dimensions) { source[$0] }
            assertIdentical(x.broadcast(to: to), expected.tensor(.float32), "\(from) to \(to)")
        }
    }

    func testAdjointsAgreeWithCentralDifferences() {
        let x = sample([2, 3, 4], .float64)
        for axes in permutations(of: [0, 1, 2]) { checkGradient(of: { $0[0].permuted(axes) }, at: [x]) }
        checkGradient(of: { $0[0].transposed() }, at: [x])
        for axis in 0..<3 {
            checkGradient(of: { $0[0].slice(1..<2, axis: axis) }, at: [x], "axis \(axis)")
            checkGradient(
                of: { $0[0].slice(0..<2, axis: axis) * $0[0].slice(0..<1, axis: axis) }, at: [x])
            checkGradient(
                of: { .concatenated([$0[0], $0[1].squared(), $0[0]], axis: axis) },
                at: [x, sample(Shape([2, 3, 4]).replacing(axis: axis, with: 1), .float64)])
        }
        checkGradient(of: { $0[0].broadcast(to: [5, 2, 3, 4]) }, at: [x])
        checkGradient(of: { $0[0].broadcast(to: [2, 3, 4]).squared() }, at: [sample([3, 1], .float64)])
    }

    func testConcatenationSkipsFrozenParts() {
        let x = sample([2, 3], .float64)
        let frozen = sample([2, 2], .float64)
        checkGradient(of: { .concatenated([frozen, $0[0], frozen], axis: 1) }, at: [x])
    }
}
