import Foundation
import Layers
import TensorCore
import TestSupport
import XCTest

final class AdamWTests: XCTestCase {
    /// Loshchilov & Hutter 2019, Algorithm 2, written out in double.
    private func reference(
        _ start: [Double], _ gradients: [[Double]], rate: Double, decay: Double, clip: Double
    ) -> [Double] {
        var (p, m, v) = (start, start.map { _ in 0.0 }, start.map { _ in 0.0 })
        for (index, gradient) in gradients.enumerated() {
            let t = Double(index + 1)
            let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
            let scale = min(1, clip / norm)
            for i in p.indices {
                let g = gradient[i] * scale
                m[i] = 0.9 * m[i] + 0.1 * g
                v[i] = 0.999 * v[i] + 0.001 * g * g
                p[i] -= rate * decay * p[i]
                p[i] -= rate * (m[i] / (1 - pow(0.9, t))) / ((v[i] / (1 - pow(0.999, t))).squareRoot() + 1e-8)
            }
        }
        return p
    }

    func testThreeStepsMatchTheFormulas() {
        let start = [0.5, -1.25, 2.0, 0.0]
        let gradients = [[0.1, -0.2, 0.3, 4.0], [-0.5, 0.0, 0.25, 1.0], [2.0, -3.0, 0.5, 0.125]]
        let parameter = Parameter(Tensor(start.map(Float.init), shape: [4]))
        let optimizer = AdamW(
            [NamedParameter("p", parameter)], .init(weightDecay: 0.1, gradientClip: 1))
        for gradient in gradients {
            optimizer.step([Tensor(gradient.map(Float.init), shape: [4])], learningRate: 0.01)
        }
        let expected = reference(start, gradients, rate: 0.01, decay: 0.1, clip: 1)
        assertClose(parameter.value.doubles, expected, absolute: 1e-6, relative: 1e-6)
    }

    func testTheReturnedNormIsThatBeforeClipping() {
        let parameter = Parameter(.zeros([2]))
        let optimizer = AdamW([NamedParameter("p", parameter)], .init(gradientClip: 0.5))
        XCTAssertEqual(optimizer.step([Tensor([3, 4] as [Float], shape: [2])], learningRate: 0), 5)
    }

    func testRestoredMomentsContinueToTheBit() {
        let gradient = { (step: Int) in randomTensor([7], seed: UInt64(step)) }
        let whole = Parameter(randomTensor([7], seed: 99))
        let parted = Parameter(whole.value.copied())
        let first = AdamW([NamedParameter("p", whole)])
        let second = AdamW([NamedParameter("p", parted)])
        for step in 0..<3 { first.step([gradient(step)], learningRate: 0.1) }
        second.step([gradient(0)], learningRate: 0.1)
        let resumed = AdamW([NamedParameter("p", parted)])
        resumed.restore(second.state.map { ($0.first, $0.second) }, stepCount: second.stepCount)
        for step in 1..<3 { resumed.step([gradient(step)], learningRate: 0.1) }
        assertIdentical(parted.value.detached, whole.value.detached)
    }
}
