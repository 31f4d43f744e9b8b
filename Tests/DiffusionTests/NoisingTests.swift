import Diffusion
import TensorCore
import TestSupport
import XCTest

final class NoisingTests: XCTestCase {
    private let x0 = Tensor([0.3, -1.2, 0.7, 2.0, -0.4, 0.9], shape: [3, 1, 1, 2])
    private let noise = Tensor([0.5, 0.1, -1.3, 0.2, 1.9, -0.8], shape: [3, 1, 1, 2])

    /// x_t = √ᾱ x_0 + √(1−ᾱ) ε, and every kind of prediction gives both halves back.
    func testPredictionsOfEveryKindComeApart() throws {
        let schedule = try NoiseSchedule(.scaledLinear, betaStart: 0.00085, betaEnd: 0.012)
        for timesteps in [Timesteps.all(421), .each([3, 999, 421])] {
            let used: [Int] = if case .each(let t) = timesteps { t.map(Int.init) } else { [421, 421, 421] }
            let x = schedule.noised(x0, with: noise, at: timesteps)
            let expected = (0..<6).map { i in
                let alpha = schedule.alphasCumprod[used[i / 2]]
                return alpha.squareRoot() * x0.doubles[i] + (1 - alpha).squareRoot() * noise.doubles[i]
            }
            assertClose(x.doubles, expected, rtol: 1e-14)
            let velocity = (0..<6).map { i in
                let alpha = schedule.alphasCumprod[used[i / 2]]
                return alpha.squareRoot() * noise.doubles[i] - (1 - alpha).squareRoot() * x0.doubles[i]
            }
            let outputs: [(PredictionType, Tensor)] = [
                (.epsilon, noise), (.sample, x0), (.velocity, Tensor(velocity, shape: x0.shape)),
            ]
            for (type, output) in outputs {
                let denoised = try schedule.denoised(
                    output, from: x, at: timesteps, as: Prediction(type: type))
                assertClose(denoised.sample, x0, rtol: 1e-10, atol: 1e-12, "\(type) sample")
                assertClose(denoised.noise, noise, rtol: 1e-10, atol: 1e-12, "\(type) noise")
                let predictor = schedule.noisePredictor({ _, _ in output }, predicting: type)
                assertClose(try predictor(x, timesteps), noise, rtol: 1e-10, atol: 1e-12)
            }
        }
    }

    func testClippingLeavesTheNoise() throws {
        let schedule = try NoiseSchedule(.linear)
        let x = schedule.noised(x0, with: noise, at: .all(100))
        let denoised = try schedule.denoised(
            noise, from: x, at: .all(100), as: Prediction(type: .epsilon, clipRange: 0.5))
        assertClose(denoised.sample.doubles, [0.3, -0.5, 0.5, 0.5, -0.4, 0.5], rtol: 1e-12)
        assertIdentical(denoised.noise, noise)
    }

    func testNoiseSaysNothingWithoutSignal() throws {
        let schedule = try NoiseSchedule(.linear).rescaledToZeroTerminalSNR()
        XCTAssertEqual(schedule.alphasCumprod[999], 0)
        XCTAssertThrowsError(
            try schedule.denoised(noise, from: x0, at: .each([1, 999, 2]), as: .epsilon)
        ) { XCTAssertEqual($0 as? DiffusionError, .noSignal(timestep: 999)) }
        let velocity = try schedule.denoised(
            -x0, from: noise, at: .all(999), as: Prediction(type: .velocity))
        assertClose(velocity.sample, x0, rtol: 1e-12)
        assertClose(velocity.noise, noise, rtol: 1e-12)
    }

    /// The half step from t = 0 leaves a second-order error in the variance; none or a whole step, first order.
    func testResidualNoiseIsTakenOut() throws {
        let schedule = try NoiseSchedule(betas: [0.01])
        let gaussian = Gaussian(mean: [0.8], variance: 0.2)
        // ᾱ s² + (1−ᾱ) = v; the map is linear in x, so mean ± one deviation tell both moments.
        let level = gaussian.noised(0.99)
        let deviation = level.covariance[0, 0].squareRoot()
        let x = Tensor([level.mean[0] - deviation, level.mean[0] + deviation], shape: [2, 1])
        let noise = try gaussian.predictor(schedule)(x, .all(0))
        let clean = schedule.withoutResidualNoise(x, noise: noise, at: .all(0)).doubles
        let share = 0.01 / level.covariance[0, 0]
        assertClose((clean[0] + clean[1]) / 2, 0.8, rtol: 1e-12)
        let spread = (clean[1] - clean[0]) / 2
        assertClose(spread * spread / 0.2, 1, atol: share * share / 2)
        XCTAssertGreaterThan(abs(level.covariance[0, 0] / 0.2 - 1), 10 * share * share)
    }
}
