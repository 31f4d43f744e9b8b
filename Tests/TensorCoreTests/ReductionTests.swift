import TensorCore
import TestSupport
import XCTest

final class ReductionTests: XCTestCase {
    private static let shapes: [Shape] = [[7], [3, 5], [2, 3, 4], [1, 5, 1], [2, 3, 1, 4], [40, 70]]

    private func naive(
        _ x: Tensor, axis: Int, _ start: Double, _ fold: (Double, Double) -> Double
    ) -> NaiveArray {
        let source = NaiveArray(x)
        return NaiveArray(x.shape.removing(axis: axis).dimensions) { index in
            (0..<x.shape[axis]).reduce(start) { result, place in
                var full = index
                full.insert(place, at: axis)
                return fold(result, source[full])
            }
        }
    }

    func testFoldsEachAxis() {
        forEachDevice { device in
            for shape in Self.shapes {
                let x = randomTensor(shape, seed: 1, on: device)
                for axis in 0..<shape.rank {
                    let sum = naive(x, axis: axis, 0, +).tensor(.float32)
                    let mean = (sum.cast(to: .float64) / Double(shape[axis])).cast(to: .float32)
                    for axis in [axis, axis - shape.rank] {
                        let label = "\(shape) along \(axis)"
                        let kept = shape.replacing(axis: axis, with: 1).dimensions
                        assertClose(x.sum(axis: axis), sum, absolute: 1e-6, relative: 1e-6, label)
                        assertClose(
                            x.sum(axis: axis, keepingAxis: true), sum.reshaped(kept), absolute: 1e-6,
                            relative: 1e-6, label)
                        assertClose(x.mean(axis: axis), mean, absolute: 1e-6, relative: 1e-6, label)
                        assertClose(
                            x.mean(axis: axis, keepingAxis: true), mean.reshaped(kept), absolute: 1e-6,
                            relative: 1e-6, label)
                    }
                    assertIdentical(
                        x.maximum(axis: axis), naive(x, axis: axis, -.infinity, max).tensor(.float32))
                    assertIdentical(
                        x.minimum(axis: axis), naive(x, axis: axis, .infinity, min).tensor(.float32))
                }
            }
        }
    }

    func testFoldsEverything() {
        let x = randomTensor([3, 4, 5], seed: 2)
        let values = x.doubles
        let total = values.reduce(0, +)
        XCTAssertEqual(x.sum().shape, [])
        assertClose(x.sum().doubles, [total], absolute: 1e-6)
        assertClose(x.mean().doubles, [total / 60], absolute: 1e-7)
        assertClose([x.sumOfSquares()], [values.reduce(0) { $0 + $1 * $1 }], relative: 1e-13)
        let y = randomTensor([3, 4, 5], seed: 3)
        assertClose([x.dot(y)], [zip(values, y.doubles).reduce(0) { $0 + $1.0 * $1.1 }], relative: 1e-12)
        XCTAssertEqual(Tensor.zeros([0, 3]).sum().item, 0)
        XCTAssertEqual(Tensor.zeros([2, 0, 3]).sum(axis: 1).floats, Array(repeating: 0, count: 6))
        XCTAssertEqual(Tensor.zeros([0]).sumOfSquares(), 0)
    }

    func testLongSumsKeepTheirDigits() {
        let x = randomTensor([1 << 20], in: 0.5...1.5, seed: 4)
        assertClose(x.sum().doubles, [x.doubles.reduce(0, +)], relative: 1e-6)
        let tall = x.reshaped(1 << 18, 4)
        let expected = naive(tall.cast(to: .float64), axis: 0, 0, +).values
        assertClose(tall.sum(axis: 0).doubles, expected, relative: 1e-6)
    }

    func testAdjointsAgreeWithCentralDifferences() {
        for shape in Self.shapes.dropLast() {
            let x = randomTensor(shape, seed: 5, dtype: .float64)
            for axis in 0..<shape.rank {
                checkGradient(of: { $0[0].sum(axis: axis) }, at: [x], "\(shape) along \(axis)")
                checkGradient(of: { $0[0].sum(axis: axis - shape.rank, keepingAxis: true) }, at: [x])
                checkGradient(of: { $0[0].mean(axis: axis) }, at: [x])
                checkGradient(of: { $0[0].mean(axis: axis, keepingAxis: true).squared() }, at: [x])
            }
            checkGradient(of: { $0[0].sum() }, at: [x])
            checkGradient(of: { $0[0].mean() }, at: [x])
        }
    }

    func testSummedToIsTheAdjointOfBroadcasting() {
        let shapes: [(Shape, Shape)] = [
            ([2, 3, 4, 5], [5]), ([2, 3, 4, 5], [4, 1]), ([2, 3, 4, 5], [2, 1, 4, 1]), ([2, 3], []),
            ([2, 3], [2, 3]), ([4, 1, 3], [1, 1, 3]), ([2, 0], [2, 1]), ([1, 1], []),
        ]
        for (whole, part) in shapes {
            let x = randomTensor(whole, seed: 6, dtype: .float64)
            let source = NaiveArray(x)
            var expected = NaiveArray(part.dimensions) { _ in 0 }.values
            let strides = part.strides
            for (index, value) in zip(NaiveArray.indices(of: whole.dimensions), source.values) {
                let own = index.suffix(part.rank)
                let offset = zip(zip(own, part.dimensions), strides).reduce(0) { sum, axis in
                    sum + (axis.0.1 == 1 ? 0 : axis.0.0 * axis.1)
                }
                expected[offset] += value
            }
            assertClose(
                x.summed(to: part), Tensor(expected, shape: part), absolute: 1e-13, "\(whole) to \(part)")
        }
    }
}
