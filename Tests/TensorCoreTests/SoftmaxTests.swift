import Foundation
import TensorCore
import TestSupport
import XCTest

final class SoftmaxTests: XCTestCase {
    private static let shapes: [Shape] = [[5], [3, 7], [2, 3, 4], [4, 1], [0, 3], [37, 301]]

    private func naive(_ x: Tensor) -> [Double] {
        let columns = x.shape.last
        let values = x.doubles
        return stride(from: 0, to: values.count, by: max(columns, 1)).flatMap { start in
            let row = values[start..<(start + columns)].map {
                exp($0 - (values[start..<(start + columns)].max() ?? 0))
            }
            return row.map { $0 / row.reduce(0, +) }
        }
    }

    func testMatchesItsDefinition() {
        forEachDevice { device in
            for shape in Self.shapes {
                let x = randomTensor(shape, in: -20...20, seed: 1, on: device)
                assertClose(x.softmax().doubles, naive(x), absolute: 1e-9, relative: 2e-6, "\(shape)")
                let wide = x.cast(to: .float64)
                assertClose(wide.softmax().doubles, naive(wide), absolute: 1e-16, relative: 1e-13, "\(shape)")
            }
        }
    }

    func testLargeInputsDoNotOverflow() {
        let x = Tensor([Float(1e4), 1e4 - 1, -1e4, 3e38, 0, -3e38], shape: [2, 3])
        assertClose(x.softmax().floats, [0.7310586, 0.26894143, 0, 1, 0, 0], absolute: 1e-30, relative: 1e-6)
    }

    func testAMaskedColumnGetsNothing() {
        let x = Tensor([Float(1), -.infinity, 1], shape: [1, 3]).tracked()
        let y = x.softmax()
        assertClose(y.floats, [0.5, 0, 0.5], relative: 1e-6)
        let gradient = gradients(of: [(y, Tensor([Float(1), 2, 3], shape: [1, 3]))])[x]
        assertClose(gradient?.floats ?? [], [-0.5, 0, 0.5], relative: 1e-6)
    }

    func testAdjointAgreesWithCentralDifferences() {
        for shape in Self.shapes.dropLast() {
            checkGradient(
                of: { $0[0].softmax() }, at: [randomTensor(shape, seed: 2, dtype: .float64)], "\(shape)")
        }
    }
}
