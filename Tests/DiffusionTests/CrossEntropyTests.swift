import Diffusion
import Foundation
import TensorCore
import TestSupport
import XCTest

final class CrossEntropyTests: XCTestCase {
    private let wide = Gaussian(mean: [0.9, 0], covariance: Matrix([[0.3, 0.1], [0.1, 0.2]]))
    private let narrow = Gaussian(mean: [-0.4, 0.5], covariance: .diagonal([0.05, 0.08]))

    private func quadrature() throws -> LogNoiseQuadrature {
        try LogNoiseQuadrature(
            NoiseSchedule(.linear, trainSteps: 200, betaStart: 0.0005, betaEnd: 0.1))
    }

    private let noise = SampleNoise(RandomKey(seed: 4, stream: 3))

    /// E_q ‖x_0 − m_p‖².
    private func spread(_ q: Gaussian, around p: Gaussian) -> Double {
        q.covariance.trace + zip(q.mean, p.mean).map { ($0 - $1) * ($0 - $1) }.reduce(0, +)
    }

    func testEntropiesOfGaussians() throws {
        let quadrature = try quadrature()
        let eight = Gaussian(
            mean: (0..<8).map { 0.1 * Double($0) },
            covariance: .diagonal((0..<8).map { 0.05 + 0.1 * Double($0) }))
        for gaussian in [wide, narrow, eight, Gaussian(mean: [3], variance: 0.02)] {
            let count = 4096
            let sum = try quadrature.crossEntropySum(
                of: gaussian.matchedSamples(count, seed: 4), spread: gaussian.covariance.trace, noise: noise,
                p: gaussian.predictor(quadrature.schedule))
            // Measured over seeds: standard error .006 √d, and less than .003 of the quadrature.
            assertClose(
                sum / Double(count), gaussian.entropy, atol: 0.02 * Double(gaussian.dimension).squareRoot())
        }
    }

    /// −E_q log p = H(q) + KL(q‖p).
    func testCrossEntropiesOfGaussians() throws {
        let quadrature = try quadrature()
        for (q, p) in [(wide, narrow), (narrow, wide)] {
            let count = 8192
            for stride in [1, 8] {
                let sum = try quadrature.crossEntropySum(
                    of: q.matchedSamples(count, seed: 5), spread: spread(q, around: p), noise: noise,
                    stride: stride, p: p.predictor(quadrature.schedule))
                // The quadrature is off by .3 % of the KL; the rest is sampling.
                assertClose(
                    sum / Double(count), q.entropy + q.divergence(from: p), rtol: 0.005, atol: 0.03,
                    "stride \(stride)")
            }
        }
    }

    /// The mixture ½ N + ½ N by responsibilities: its entropy by numerical integration, its cross-entropies with
    /// its components likewise, and both as H + KL with Lemma 2.
    func testMixtures() throws {
        let quadrature = try quadrature()
        let schedule = quadrature.schedule
        let components = [Gaussian(mean: [-0.6], variance: 0.04), Gaussian(mean: [0.5], variance: 0.12)]
        let weights = [0.3, 0.7]
        let mixture = mixturePredictor(components, weights, schedule)
        let logMixture = { (x: Double) in
            log(zip(components, weights).map { $1 * exp(self.logDensity($0, x)) }.reduce(0, +))
        }
        let mixtureMean = zip(components, weights).map { $0.mean[0] * $1 }.reduce(0, +)
        for (index, q) in components.enumerated() {
            let expected = -integral { exp(logDensity(q, $0)) * logMixture($0) }
            let count = 8192
            let samples = q.samples(count, seed: 6)
            let spread = q.covariance.trace + pow(q.mean[0] - mixtureMean, 2)
            let sum = try quadrature.crossEntropySum(
                of: samples, spread: spread, noise: noise, p: mixture)
            assertClose(sum / Double(count), expected, atol: 0.02, "component \(index)")

            let own = q.predictor(schedule)
            let divergence = try quadrature.divergenceSums(of: samples, noise: noise) { x, t in
                (try own(x, t), [try mixture(x, t)])
            }
            assertClose(divergence[0] / Double(count), expected - q.entropy, rtol: 0.02, atol: 0.005)
        }
    }

    private func logDensity(_ gaussian: Gaussian, _ x: Double) -> Double {
        let (mean, variance) = (gaussian.mean[0], gaussian.covariance[0, 0])
        return -(x - mean) * (x - mean) / (2 * variance) - log(2 * .pi * variance) / 2
    }

    private func integral(_ f: (Double) -> Double) -> Double {
        let step = 1e-3
        return stride(from: -4, through: 4, by: step).map { f($0) * step }.reduce(0, +)
    }

    private func mixturePredictor(
        _ components: [Gaussian], _ weights: [Double], _ schedule: NoiseSchedule
    ) -> NoisePredictor {
        let predictors = components.map { $0.predictor(schedule) }
        return { x, timesteps in
            guard case .all(let timestep) = timesteps else { return x }
            let alpha = schedule.alphaCumprod(at: timestep)
            return mixtureNoise(
                try predictors.map { try $0(x, timesteps) },
                logDensities: components.map { $0.noised(alpha).logDensity(x) }, weights: weights)
        }
    }
}
