import Diffusion
import Foundation
import TensorCore
import TestSupport
import XCTest

final class DDIMTests: XCTestCase {
    private func configuration(steps: Int) -> SchedulerConfiguration {
        var configuration = SchedulerConfiguration()
        configuration.trainSteps = steps
        configuration.betaStart = 0.0001 * 1000 / Double(steps)
        configuration.betaEnd = 0.02 * 1000 / Double(steps)
        configuration.clipSample = false
        return configuration
    }

    /// c_t is the coefficient of ε once x̂_0 is written out, and σ_t² at η = 1 is the posterior variance.
    func testCoefficients() throws {
        for step in try configuration(steps: 100).steps(count: 100, eta: 1) {
            let (alpha, previous) = (step.alphaCumprod, step.previousAlphaCumprod)
            let beta = 1 - alpha / previous
            assertClose(step.sigma * step.sigma, beta * (1 - previous) / (1 - alpha), rtol: 1e-12)
            // DDPM: the mean is (x − β ε/√(1−ᾱ))/√α (Ho et al. 2020, eq. 11).
            let mean = -beta / ((1 - alpha).squareRoot() * (1 - beta).squareRoot())
            assertClose(step.noiseScale, mean, rtol: 1e-9)
            assertClose(step.stateScale, 1 / (1 - beta).squareRoot(), rtol: 1e-12)
        }
        let last = DDIMStep(timestep: 0, alphaCumprod: 0.99, previousAlphaCumprod: 1, eta: 1)
        XCTAssertTrue(last.isDeterministic)
        XCTAssertNil(last.divergenceWeight)
        let step = DDIMStep(timestep: 5, alphaCumprod: 0.5, previousAlphaCumprod: 0.8, eta: 0.5)
        // Half of √(.2/.5 · (1 − .5/.8)) = √.15.
        assertClose(step.sigma, 0.15.squareRoot() / 2, rtol: 1e-14)
        let c = (0.2 - 0.0375).squareRoot() - (0.8 * 0.5 / 0.5).squareRoot()
        assertClose(step.noiseScale, c, rtol: 1e-14)
        assertClose(try XCTUnwrap(step.divergenceWeight), c * c / (2 * 0.0375), rtol: 1e-13)
    }

    /// Under exact scores each step is affine: its moments by recursion in double.
    func testGaussianMoments() throws {
        let gaussian = Gaussian(mean: [0.9, -0.4], covariance: Matrix([[0.3, 0.1], [0.1, 0.2]]))
        let configuration = configuration(steps: 200)
        let schedule = try configuration.schedule()
        for eta in [0, 0.4, 1] {
            let steps = try configuration.steps(count: 50, eta: eta)
            let count = 8192
            let start = SampleNoise(RandomKey(seed: 3, stream: 1))
            let x = start.normal(0, like: Tensor.zeros([count, 2]))
            let z = SampleNoise(RandomKey(seed: 3, stream: 2)).source(like: x)
            let sample = try ddimSample(
                from: x, schedule: schedule, steps: steps, network: gaussian.predictor(schedule), noise: z)
            let expected = affineMoments(gaussian, steps)
            let (mean, covariance) = moments(sample)
            // Standard errors: √(S/N) of a mean, √(2/N) S of a variance; five of them.
            assertClose(mean, expected.mean, atol: 5 * (0.3 / Double(count)).squareRoot(), "η = \(eta)")
            assertClose(
                covariance.elements, expected.covariance.elements,
                atol: 5 * 0.3 * (2 / Double(count)).squareRoot(), "η = \(eta)")
            // All 200 steps come close to the distribution itself.
            let finest = try affineMoments(gaussian, configuration.steps(count: 200, eta: eta))
            assertClose(finest.mean, gaussian.mean, atol: 0.01)
            assertClose(finest.covariance.elements, gaussian.covariance.elements, atol: 0.02)
        }
    }

    /// x_{t−1} = A x + b + σ z with ε = W x + w: exact mean and covariance of the chain.
    private func affineMoments(_ gaussian: Gaussian, _ steps: [DDIMStep]) -> Gaussian {
        var chain = Gaussian(mean: [0, 0], variance: 1)
        for step in steps {
            let level = gaussian.noised(step.alphaCumprod)
            let weight = level.covariance.inverse.scaled((1 - step.alphaCumprod).squareRoot())
            let map = weight.scaled(step.noiseScale).adding(identity: step.stateScale)
            let shift = weight.times(level.mean).map { -step.noiseScale * $0 }
            let mean = zip(map.times(chain.mean), shift).map { $0 + $1 }
            // map is symmetric here.
            let covariance = map.times(chain.covariance).times(map).adding(identity: step.sigma * step.sigma)
            chain = Gaussian(mean: mean, covariance: covariance)
        }
        return chain
    }

    // The ancestral posterior N(√ᾱ' β x̂_0/(1−ᾱ) + √α (1−ᾱ') x/(1−ᾱ), β̃) written out: Ho et al. 2020, eq. 7.
    func testAncestralSamplingIsTheDDPMPosterior() throws {
        let gaussian = Gaussian(mean: [0.5], variance: 0.3)
        let schedule = try configuration(steps: 100).schedule()
        let network = gaussian.predictor(schedule)
        let start = Tensor([0.2, -1.4, 0.9], shape: [3, 1])
        let z: NoiseSource = { Tensor([0.3, -0.1, 0.8], shape: [3, 1]) * cos(Double($0)) }
        var x = start
        for timestep in (0..<100).reversed() {
            let alpha = schedule.alphasCumprod[timestep]
            let previous = timestep > 0 ? schedule.alphasCumprod[timestep - 1] : 1
            let beta = schedule.betas[timestep]
            let noise = try network(x, .all(timestep))
            let sample = (x - noise * (1 - alpha).squareRoot()) / alpha.squareRoot()
            let mean =
                sample * (previous.squareRoot() * beta / (1 - alpha))
                + x * ((1 - beta).squareRoot() * (1 - previous) / (1 - alpha))
            x = try mean + z(99 - timestep) * (beta * (1 - previous) / (1 - alpha)).squareRoot()
        }
        let sample = try ddpmSample(from: start, schedule: schedule, network: network, noise: z)
        assertClose(sample, x, rtol: 1e-10, atol: 1e-12)
    }

    /// method.md §4: shifting ε by the optimal control moves E x_0 to V Wᵀλ; V = Σ σ_t² A_t².
    func testChainGain() throws {
        var few = configuration(steps: 1000)
        few.clipSample = false
        let gains = try [
            gain(configuration(steps: 100).steps(count: 100, eta: 1)), gain(few.steps(count: 15, eta: 1)),
        ]
        assertClose(gains, [0.92, 0.65], atol: 0.005)

        // The chain itself: δ_t = σ_t² A_t w on the mean of each step is a shift of ε by δ_t/c_t.
        let steps = try few.steps(count: 15, eta: 1)
        let schedule = try few.schedule()
        let factors = stepFactors(steps)
        var index = 0
        let start = Tensor([1.0, -1.0], shape: [2, 1])
        let sample = try ddimSample(
            from: start, schedule: schedule, steps: steps,
            network: { x, timesteps in
                defer { index += 1 }
                let step = steps[index]
                let base = x * (1 - step.alphaCumprod).squareRoot()
                guard !step.isDeterministic else { return base }
                let later = factors[(index + 1)...].reduce(1, *)
                return base + step.sigma * step.sigma * later * 0.7 / step.noiseScale
            },
            noise: { _ in Tensor.zeros([2, 1], dtype: .float64) })
        // Antithetic starts: their mean is E x_0, for the chain is affine.
        assertClose((sample.doubles[0] + sample.doubles[1]) / 2, gains[1] * 0.7, rtol: 1e-10)
    }

    /// a_t = √(ᾱ_{t−1}ᾱ_t) + √((1−ᾱ_{t−1}−σ_t²)(1−ᾱ_t)).
    private func stepFactors(_ steps: [DDIMStep]) -> [Double] {
        steps.map { step in
            (step.previousAlphaCumprod * step.alphaCumprod).squareRoot()
                + step.directionScale * (1 - step.alphaCumprod).squareRoot()
        }
    }

    private func gain(_ steps: [DDIMStep]) -> Double {
        let factors = stepFactors(steps)
        return steps.indices.map { t in
            let later = factors[(t + 1)...].reduce(1, *)
            return steps[t].sigma * steps[t].sigma * later * later
        }.reduce(0, +)
    }

    /// d/dθ of a function of the sample, against central differences in double.
    func testGradientThroughSampling() throws {
        let configuration = configuration(steps: 100)
        let schedule = try configuration.schedule()
        let steps = try configuration.steps(count: 8, eta: 0.7)
        let start = Tensor([0.3, -0.9, 1.1, 0.4, -0.2, 0.8], shape: [3, 2])
        let z: NoiseSource = {
            Tensor([0.1, 0.5, -0.3, 0.2, 0.9, -0.7], shape: [3, 2]) * cos(Double($0))
        }
        func loss(_ weight: Tensor, clip: Double?, type: PredictionType) throws -> Tensor {
            let sample = try ddimSample(
                from: start, schedule: schedule, steps: steps,
                prediction: Prediction(type: type, clipRange: clip),
                network: { x, timesteps in
                    let scale = if case .all(let t) = timesteps { 0.5 + Double(t) / 200 } else { 0.0 }
                    return linear(x, weight).tanh() * scale
                },
                noise: z)
            return (sample.squared() * 0.3 + sample.sine()).sum()
        }
        let values = [0.4, -0.3, 0.2, 0.7]
        for (clip, type) in [(nil, .epsilon), (1.3, .epsilon), (nil, .velocity), (nil, .sample)]
            as [(Double?, PredictionType)]
        {
            let weight = Tensor(values, shape: [2, 2]).tracked()
            let gradient = try XCTUnwrap(gradients(of: loss(weight, clip: clip, type: type))[weight])
            let differences = try values.indices.map { i in
                let shifted = try [1e-5, -1e-5].map { step in
                    var moved = values
                    moved[i] += step
                    return try loss(Tensor(moved, shape: [2, 2]), clip: clip, type: type).item
                }
                return (shifted[0] - shifted[1]) / 2e-5
            }
            assertClose(gradient.doubles, differences, rtol: 1e-6, atol: 1e-7, "\(type), clip \(clip ?? 0)")
        }
    }

    /// Truncation: parameters are seen by the last steps alone, and the values do not change.
    func testRecordingStartsWhereAsked() throws {
        let configuration = configuration(steps: 100)
        let schedule = try configuration.schedule()
        let steps = try configuration.steps(count: 5, eta: 0)
        let start = Tensor([0.3, -0.9], shape: [2, 1])
        let weight = Tensor([0.4], shape: [1, 1]).tracked()
        func run(from first: Int) throws -> DDIMTrajectory {
            try ddimTrajectory(
                from: start, schedule: schedule, steps: steps, recordingFrom: first,
                network: { x, _ in linear(x, weight) }, noise: { _ in start })
        }
        let (whole, truncated) = (try run(from: 0), try run(from: 3))
        assertIdentical(whole.sample, truncated.sample)
        XCTAssertEqual(truncated.noises.map(\.isTracked), [false, false, false, true, true])
        XCTAssertEqual(truncated.states.count, 6)

        // The same by hand: two recorded steps from the fourth state.
        let expected = try ddimSample(
            from: whole.states[3].detached, schedule: schedule, steps: Array(steps[3...]),
            network: { x, _ in linear(x, weight) }, noise: { _ in start })
        let byHand = try XCTUnwrap(gradients(of: expected.sum())[weight])
        let gradient = try XCTUnwrap(gradients(of: truncated.sample.sum())[weight])
        assertIdentical(gradient, byHand)
        XCTAssertNotEqual(try XCTUnwrap(gradients(of: whole.sample.sum())[weight]).item, gradient.item)
    }

    func testSamplesDoNotDependOnTheBatch() throws {
        let gaussian = Gaussian(mean: [0.9, -0.4], covariance: Matrix([[0.3, 0.1], [0.1, 0.2]]))
        let configuration = configuration(steps: 100)
        let schedule = try configuration.schedule()
        let steps = try configuration.steps(count: 10, eta: 1)
        func run(_ samples: Range<Int>) throws -> Tensor {
            let model = Tensor.zeros([samples.count, 2])
            let start = SampleNoise(RandomKey(seed: 5, stream: 1), firstSample: samples.lowerBound)
            let z = SampleNoise(RandomKey(seed: 5, stream: 2), firstSample: samples.lowerBound)
            return try ddimSample(
                from: start.normal(0, like: model), schedule: schedule, steps: steps,
                network: gaussian.predictor(schedule), noise: z.source(like: model))
        }
        assertIdentical(try run(0..<64), Tensor.concatenated([try run(0..<32), try run(32..<64)]))
    }
}
