import TensorCore
import TestSupport
import XCTest

final class NormTests: XCTestCase {
    func testNormsAlongEachAxis() {
        let x = randomTensor([3, 4, 5], seed: 1, dtype: .float64)
        for axis in 0..<3 {
            let expected = x.squared().sum(axis: axis).squareRoot()
            assertClose(x.norm(axis: axis), expected, relative: 1e-15)
            XCTAssertEqual(
                x.norm(axis: axis, keepingAxis: true).shape, x.shape.replacing(axis: axis, with: 1))
            assertClose(
                x.normalized(axis: axis).norm(axis: axis), Tensor.ones(expected.shape, dtype: .float64),
                relative: 1e-15)
        }
    }

    func testAdjointsAgreeWithCentralDifferences() {
        let x = randomTensor([3, 4, 2], seed: 2, dtype: .float64)
        for axis in 0..<3 {
            checkGradient(of: { $0[0].norm(axis: axis) }, at: [x], "axis \(axis)")
            checkGradient(of: { $0[0].normalized(axis: axis) }, at: [x], "normalized, axis \(axis)")
        }
    }

    func testZerosHaveNoGradientAndSmallNumbersOneOfLengthOne() {
        let x = Tensor([0, 0, 3e-20, 0, 3e-10, -4e-10] as [Float], shape: [3, 2]).tracked()
        let norms = x.norm(axis: 1)
        let gradient = gradients(of: norms.sum())[x]?.doubles ?? []
        assertClose(Array(gradient[..<2]), [0, 0])
        assertClose(Array(gradient[4...]), [0.6, -0.8], relative: 1e-6)
        XCTAssertLessThanOrEqual(gradient[2], 1)
        XCTAssertEqual(norms.doubles[2], 5e-10, accuracy: 1e-16)
    }

    func testExtremaAndTheirGradients() {
        let a = Tensor([1, 5, 2, -3] as [Double], shape: [4])
        let b = Tensor([2, 4, 2, -3] as [Double], shape: [4])
        for (larger, values, left) in [
            (true, [2, 5, 2, -3], [0, 1, 0.5, 0.5]), (false, [1, 4, 2, -3], [1, 0, 0.5, 0.5]),
        ] as [(Bool, [Double], [Double])] {
            let (x, y) = (a.tracked(), b.tracked())
            let result = larger ? x.maximum(y) : x.minimum(y)
            let found = gradients(of: result.sum())
            XCTAssertEqual(result.doubles, values)
            XCTAssertEqual(found[x]?.doubles, left)
            XCTAssertEqual(found[y]?.doubles, left.map { 1 - $0 })
        }
    }

    func testExtremaOfBroadcastOperands() {
        let (x, y) = (
            randomTensor([3, 4], seed: 3, dtype: .float64), randomTensor([3, 1], seed: 4, dtype: .float64)
        )
        checkGradient(of: { $0[0].maximum($0[1]) }, at: [x, y], "maximum")
        checkGradient(of: { $0[0].minimum($0[1]) }, at: [x, y], "minimum")
    }
}
