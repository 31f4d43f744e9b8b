import Foundation
import TensorCore
import TestSupport
import XCTest

final class AdamWTests: XCTestCase {
    /// Loshchilov & Hutter 2019, Algorithm 2, for one element over several steps.
    private func naive(_ start: Double, _ gradients: [Double], _ settings: AdamWStep) -> Double {
        var (theta, m, v) = (start, 0.0, 0.0)
        for (index, gradient) in gradients.enumerated() {
            let t = Double(index + 1)
            let g = gradient * settings.gradientScale
            m = settings.beta1 * m + (1 - settings.beta1) * g
            v = settings.beta2 * v + (1 - settings.beta2) * g * g
            let (mHat, vHat) = (m / (1 - pow(settings.beta1, t)), v / (1 - pow(settings.beta2, t)))
            theta -=
                settings.learningRate * (mHat / (vHat.squareRoot() + settings.epsilon))
                + settings.learningRate * settings.weightDecay * theta
        }
        return theta
    }

    func testFollowsTheAlgorithm() {
        forEachDevice { device in
            for (count, decay, scale) in [(7, 0.1, 0.5), (1, 0, 1), (70_001, 0.01, 0.25)] {
                let settings = AdamWStep(
                    learningRate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: decay,
                    gradientScale: scale, correction1: 0, correction2: 0)
                let start = randomTensor([count], seed: 1, on: device)
                let steps = (0..<4).map { randomTensor([count], seed: 10 + UInt64($0), on: device) }
                let parameter = start * 1
                let (m, v) = (Tensor.zeros(like: start), Tensor.zeros(like: start))
                for (index, gradient) in steps.enumerated() {
                    var step = settings
                    step.correction1 = 1 - pow(step.beta1, Double(index + 1))
                    step.correction2 = 1 - pow(step.beta2, Double(index + 1))
                    device.backend.adamW(
                        step, parameter: parameter, gradient: gradient, firstMoment: m, secondMoment: v)
                }
                let (before, history) = (start.doubles, steps.map(\.doubles))
                let expected = before.indices.map { i in naive(before[i], history.map { $0[i] }, settings) }
                assertClose(parameter.doubles, expected, absolute: 1e-6, relative: 1e-6, "\(count)")
            }
        }
    }
}
