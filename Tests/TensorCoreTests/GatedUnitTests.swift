import TensorCore
import TestSupport
import XCTest

final class GatedUnitTests: XCTestCase {
    func testGEGLUIsHalfTimesGeluOfTheOther() {
        forEachDevice { device in
            for shape in [Shape([2]), [3, 14], [2, 5, 256], [0, 6], [77, 1000]] {
                let x = randomTensor(shape, in: -5...5, seed: 1, on: device)
                let width = shape.last / 2
                let expected = x.slice(0..<width, axis: -1) * x.slice(width..<2 * width, axis: -1).gelu()
                assertClose(x.geglu(), expected, absolute: 1e-7, relative: 1e-6, "\(shape)")
                let half = x.cast(to: .float16)
                assertIdentical(half.geglu(), half.cast(to: .float32).geglu().cast(to: .float16))
            }
        }
    }

    func testAdjointAgreesWithCentralDifferences() {
        for shape in [Shape([2]), [3, 4], [2, 2, 6]] {
            checkGradient(
                of: { $0[0].geglu() }, at: [randomTensor(shape, seed: 2, dtype: .float64)], "\(shape)")
        }
    }

    func testSinglePrecisionAdjointAgreesWithDouble() {
        let (x, dy) = (randomTensor([9, 150], seed: 3), randomTensor([9, 75], seed: 4))
        let leaves = [x, x.cast(to: .float64)].map { $0.tracked() }
        let single = gradients(of: [(leaves[0].geglu(), dy)])[leaves[0]]
        let double = gradients(of: [(leaves[1].geglu(), dy.cast(to: .float64))])[leaves[1]]
        assertClose(single?.doubles ?? [], double?.doubles ?? [], absolute: 1e-6, relative: 1e-6)
    }
}

final class UpsamplingTests: XCTestCase {
    func testRepeatsPixels() {
        for factor in [1, 2, 3] {
            let x = NaiveArray(randomTensor([2, 3, 4, 5], seed: 1, dtype: .float64))
            let expected = NaiveArray([2, 3 * factor, 4 * factor, 5]) { index in
                x[[index[0], index[1] / factor, index[2] / factor, index[3]]]
            }
            assertIdentical(x.tensor().upsampled(by: factor), expected.tensor())
        }
    }

    func testAdjointAgreesWithCentralDifferences() {
        checkGradient(
            of: { $0[0].upsampled() }, at: [randomTensor([2, 2, 3, 2], seed: 2, dtype: .float64)])
    }
}
