import Foundation
import TensorCore
import TestSupport
import XCTest

final class AdamWTests: XCTestCase {
    private struct Settings {
        let rate = 0.01
        let beta1 = 0.9
        let beta2 = 0.99
        let epsilon = 1e-8
        let decay: Double
        let scale: Double

        /// The coefficients of step t = 1, 2, ….
        func step(_ t: Int) -> AdamWStep {
            AdamWStep(
                learningRate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay,
                gradientScale: scale, correction1: 1 - pow(beta1, Double(t)),
                correction2: 1 - pow(beta2, Double(t)))
        }
    }

    /// Loshchilov & Hutter 2019, Algorithm 2, for one element over several steps.
    private func naive(_ start: Double, _ gradients: [Double], _ s: Settings) -> Double {
        var (theta, m, v) = (start, 0.0, 0.0)
        for (index, gradient) in gradients.enumerated() {
            let (t, g) = (Double(index + 1), gradient * s.scale)
            m = s.beta1 * m + (1 - s.beta1) * g
            v = s.beta2 * v + (1 - s.beta2) * g * g
            let (mHat, vHat) = (m / (1 - pow(s.beta1, t)), v / (1 - pow(s.beta2, t)))
            theta -= s.rate * (mHat / (vHat.squareRoot() + s.epsilon) + s.decay * theta)
        }
        return theta
    }

    func testFollowsTheAlgorithm() {
        forEachDevice { device in
            for (count, decay, scale) in [(7, 0.1, 0.5), (1, 0, 1), (70_001, 0.01, 0.25)] {
                let settings = Settings(decay: decay, scale: scale)
                let start = randomTensor([count], seed: 1, on: device)
                let history = (0..<4).map { randomTensor([count], seed: 10 + UInt64($0), on: device) }
                let parameter = start * 1
                let (m, v) = (Tensor.zeros(like: start), Tensor.zeros(like: start))
                for (index, gradient) in history.enumerated() {
                    device.backend.adamW(
                        settings.step(index + 1), parameter: parameter, gradient: gradient, firstMoment: m,
                        secondMoment: v)
                }
                let (before, gradients) = (start.doubles, history.map(\.doubles))
                let expected = before.indices.map { i in naive(before[i], gradients.map { $0[i] }, settings) }
                assertClose(parameter.doubles, expected, absolute: 1e-6, relative: 1e-6, "\(count)")
            }
        }
    }
}
