import Diffusion
import Foundation
import TensorCore
import TestSupport
import XCTest

final class MCMCTests: XCTestCase {
    private let wide = Gaussian(mean: [0.9, 0], covariance: Matrix([[0.3, 0.1], [0.1, 0.2]]))
    private let narrow = Gaussian(mean: [-0.4, 0.5], covariance: .diagonal([0.05, 0.08]))
    private let weights = [0.6, 0.4]

    private func schedule() throws -> NoiseSchedule {
        try NoiseSchedule(.linear, trainSteps: 200, betaStart: 0.0005, betaEnd: 0.1)
    }

    private func chainNoise(seed: UInt64 = 8, first: Int = 0) -> ChainNoise {
        ChainNoise(
            momenta: RandomKey(seed: seed, stream: 1), tests: RandomKey(seed: seed, stream: 2),
            firstChain: first)
    }

    private func product(_ schedule: NoiseSchedule) -> NoisePredictor {
        let predictors = [wide.predictor(schedule), narrow.predictor(schedule)]
        let weights = weights
        return { x, t in composedNoise(try predictors.map { try $0(x, t) }, weights: weights) }
    }

    /// What Σ λ_i ε_i is the score of at a level: the product of the noised factors.
    private func productLevel(_ alphaCumprod: Double) -> Gaussian {
        Gaussian.product([wide.noised(alphaCumprod), narrow.noised(alphaCumprod)], weights)
    }

    /// One level that is nearly all signal: with σ² = 1 − ᾱ, the step is ε = τσ.
    private func level(_ leapfrogStep: Double, iterations: Int) throws -> (NoiseSchedule, AnnealingLevel) {
        let schedule = try NoiseSchedule(betas: [0.01])
        return (schedule, AnnealingLevel(timestep: 0, stepSize: leapfrogStep / 0.1, iterations: iterations))
    }

    // MARK: Unadjusted samplers

    /// On N(0, s²) the chain x' = (1 − ε²/2s²) x + ε z settles at variance s²/(1 − ε²/4s²), and the leapfrog of
    /// any length conserves v² + (1 − ε²/4s²) x²/s², so UHMC settles at the same.
    func testStepSizeBiasIsTheExactOne() throws {
        let gaussian = Gaussian(mean: [0], variance: 0.5)
        let count = 16_384
        for step in [0.3, 0.8, 1.2] {
            let (schedule, level) = try level(step, iterations: 100)
            let variance = gaussian.noised(0.99).covariance[0, 0]
            let biased = variance / (1 - step * step / (4 * variance))
            for sampler in [.ula, .uhmc(leapfrogSteps: 3, momentumPersistence: 0.5)]
                as [MCMCSampler]
            {
                let result = try annealedSample(
                    from: gaussian.samples(count, seed: 1), schedule: schedule, levels: [level],
                    sampler: sampler, target: AnnealedTarget(noise: gaussian.predictor(schedule)),
                    noise: chainNoise())
                let found = moments(result.positions).covariance[0, 0]
                // Standard error √(2/N) = 1.1 %.
                assertClose(found, biased, rtol: 0.045, "ε = \(step), \(sampler.leapfrogSteps) steps")
                XCTAssertEqual(result.acceptances, [Acceptance()])
                XCTAssertNil(result.acceptances[0].rate)
            }
        }
    }

    // MARK: Adjusted samplers

    /// Steps large enough to bias ULA by half leave MALA and HMC exact.
    func testAdjustedSamplersAreExact() throws {
        let gaussian = Gaussian(mean: [0.3], variance: 0.5)
        let count = 16_384
        let (schedule, level) = try level(1.0, iterations: 60)
        let exact = gaussian.noised(0.99)
        let samplers: [MCMCSampler] = [
            .mala, .hmc(leapfrogSteps: 3), .hmc(leapfrogSteps: 1, momentumPersistence: 0.7),
            .hmc(leapfrogSteps: 3, momentumPersistence: 0.4),
        ]
        for sampler in samplers {
            for test in [.trapezoid, .simpson, .density { x, _ in exact.logDensity(x) }] as [EnergyTest] {
                let result = try annealedSample(
                    from: Gaussian(mean: [1], variance: 1).samples(count, seed: 1), schedule: schedule,
                    levels: [level], sampler: sampler,
                    target: AnnealedTarget(noise: gaussian.predictor(schedule), test: test),
                    noise: chainNoise())
                let (mean, covariance) = moments(result.positions)
                let error = (exact.covariance[0, 0] / Double(count)).squareRoot()
                assertClose(mean, exact.mean, atol: 4 * error, "\(sampler)")
                assertClose(
                    covariance[0, 0], exact.covariance[0, 0], rtol: 4 * (2 / Double(count)).squareRoot(),
                    "\(sampler)")
                let rate = try XCTUnwrap(result.acceptances[0].rate)
                XCTAssertTrue((0.3...0.99).contains(rate), "\(sampler): \(rate)")
                XCTAssertEqual(result.acceptances[0].proposed, 60 * count)
            }
        }
    }

    /// On a Gaussian the line integrals are exact: the same proposals pass as with the density itself.
    func testLineIntegralsEqualTheDensityOnGaussians() throws {
        let schedule = try schedule()
        let level = AnnealingLevel(timestep: 60, stepSize: 1.4, iterations: 20)
        let exact = productLevel(schedule.alphaCumprod(at: 60))
        let tests: [EnergyTest] = [.density { x, _ in exact.logDensity(x) }, .trapezoid, .simpson]
        for sampler in [.mala, .hmc(leapfrogSteps: 4, momentumPersistence: 0.3)] as [MCMCSampler] {
            let runs = try tests.map { test in
                try annealedSample(
                    from: exact.samples(256, seed: 3), schedule: schedule, levels: [level], sampler: sampler,
                    target: AnnealedTarget(noise: product(schedule), test: test), noise: chainNoise())
            }
            for run in runs.dropFirst() {
                XCTAssertEqual(run.acceptances, runs[0].acceptances)
                assertClose(run.positions, runs[0].positions, rtol: 1e-10, atol: 1e-12)
            }
            XCTAssertLessThan(try XCTUnwrap(runs[0].acceptances[0].rate), 0.98)
        }
    }

    /// A double well, log π = −(x² − 1)²: E x² by numerical integration.
    ///
    /// The score is cubic, so Simpson's rule is
    /// exact and the trapezoid is not.
    func testDoubleWell() throws {
        // s = −4x(x² − 1); at a level with σ = .1, ε̂ = −σ s.
        let (schedule, level) = try level(0.35, iterations: 150)
        let density = { (x: Double) in exp(-pow(x * x - 1, 2)) }
        let grid = Array(stride(from: -3, through: 3, by: 1e-3))
        let expected = grid.map { $0 * $0 * density($0) }.reduce(0, +) / grid.map(density).reduce(0, +)
        let count = 16_384
        func secondMoment(_ sampler: MCMCSampler, _ test: EnergyTest) throws -> Double {
            let result = try annealedSample(
                from: Gaussian(mean: [0], variance: 0.5).samples(count, seed: 2), schedule: schedule,
                levels: [level], sampler: sampler,
                target: AnnealedTarget(noise: { x, _ in x * (x.squared() - 1) * 0.4 }, test: test),
                noise: chainNoise())
            return result.positions.sumOfSquares() / Double(count)
        }
        let known = EnergyTest.density { x, _ in -(x.squared() - 1).squared().sum(axis: 1) }
        for sampler in [.mala, .hmc(leapfrogSteps: 3, momentumPersistence: 0.3)] as [MCMCSampler] {
            for test in [known, .simpson] {
                // Standard deviation of x² is .58; four standard errors.
                assertClose(
                    try secondMoment(sampler, test), expected, atol: 4 * 0.58 / Double(count).squareRoot(),
                    "\(sampler)")
            }
        }
        XCTAssertLessThan(try secondMoment(.mala, .trapezoid), 0.9 * expected)
    }

    // MARK: Annealing

    /// Annealed MALA and HMC through surrogate scores sample the product at the last level.
    func testAnnealedProductMoments() throws {
        let schedule = try schedule()
        let timesteps = [199, 150, 110, 80, 55, 35, 20, 10, 3]
        let count = 8192
        let exact = productLevel(schedule.alphaCumprod(at: 3))
        for (sampler, step, iterations) in [(.mala, 1.3, 40), (.hmc(leapfrogSteps: 3), 0.9, 20)]
            as [(MCMCSampler, Double, Int)]
        {
            for transition in LevelTransition.allCases {
                // Steps grow towards the end, where the noise is far smaller than the data.
                let levels = timesteps.map { t in
                    let spread = (1 + 0.05 / (1 - schedule.alphaCumprod(at: t))).squareRoot()
                    return AnnealingLevel(timestep: t, stepSize: step * spread, iterations: iterations)
                }
                let start = SampleNoise(RandomKey(seed: 11, stream: 5))
                    .normal(0, like: Tensor.zeros([count, 2], dtype: .float64))
                let result = try annealedSample(
                    from: start, schedule: schedule, levels: levels, sampler: sampler,
                    target: AnnealedTarget(noise: product(schedule)), noise: chainNoise(),
                    transition: transition)
                let (mean, covariance) = moments(result.positions)
                let variance = exact.covariance[0, 0]
                assertClose(
                    mean, exact.mean, atol: 4 * (variance / Double(count)).squareRoot(), "\(transition)")
                assertClose(
                    covariance.elements, exact.covariance.elements,
                    atol: 4 * variance * (2 / Double(count)).squareRoot(), "\(transition)")
            }
        }
    }

    /// method.md §2: ten levels of ten ULA steps leave the variance far too large; MALA at all levels does not.
    func testFewULAStepsAreBiased() throws {
        let schedule = try schedule()
        let gaussian = Gaussian(mean: [0.5, -0.2], variance: 0.04)
        let start = SampleNoise(RandomKey(seed: 11, stream: 5)).normal(0, like: Tensor.zeros([2048, 2]))
        func varianceRatio(_ sampler: MCMCSampler, every stride: Int, stepSize: Double) throws -> Double {
            let result = try annealedSample(
                from: start, schedule: schedule,
                levels: Swift.stride(from: 199, through: 1, by: -stride).map {
                    AnnealingLevel(timestep: $0, stepSize: stepSize, iterations: 10)
                },
                sampler: sampler, target: AnnealedTarget(noise: gaussian.predictor(schedule)),
                noise: chainNoise())
            let exact = gaussian.noised(schedule.alphaCumprod(at: 1)).covariance[0, 0]
            return moments(result.positions).covariance[0, 0] / exact
        }
        XCTAssertGreaterThan(try varianceRatio(.ula, every: 22, stepSize: 0.6), 2)
        XCTAssertEqual(try varianceRatio(.mala, every: 1, stepSize: 1.2), 1, accuracy: 0.12)
    }

    func testChainsDoNotDependOnTheBatch() throws {
        let schedule = try schedule()
        let levels = [120, 60, 20].map { AnnealingLevel(timestep: $0, stepSize: 1.2, iterations: 7) }
        let samplers: [MCMCSampler] = [
            .ula, .mala, .uhmc(leapfrogSteps: 3, momentumPersistence: 0.5),
            .hmc(leapfrogSteps: 3, momentumPersistence: 0.5),
        ]
        for sampler in samplers {
            func run(_ chains: Range<Int>) throws -> AnnealedSample {
                let start = SampleNoise(RandomKey(seed: 2, stream: 4), firstSample: chains.lowerBound)
                return try annealedSample(
                    from: start.normal(0, like: Tensor.zeros([chains.count, 2])), schedule: schedule,
                    levels: levels, sampler: sampler, target: AnnealedTarget(noise: product(schedule)),
                    noise: chainNoise(first: chains.lowerBound), transition: .ddim)
            }
            let (whole, parts) = (try run(0..<64), [try run(0..<32), try run(32..<64)])
            assertIdentical(whole.positions, Tensor.concatenated(parts.map(\.positions)))
            XCTAssertEqual(
                whole.acceptances, zip(parts[0].acceptances, parts[1].acceptances).map { $0 + $1 })
        }
    }

    /// A proposal that is not a number is refused, and the chain goes on.
    func testNotANumberIsRefused() throws {
        let (schedule, level) = try level(0.5, iterations: 30)
        let target = AnnealedTarget(noise: { x, _ in (1 - x.squared()).squareRoot() * x })
        let start = Tensor([0.2, -0.4, 0.6], shape: [3, 1])
        let result = try annealedSample(
            from: start, schedule: schedule, levels: [level], sampler: .mala, target: target,
            noise: chainNoise())
        XCTAssertTrue(result.positions.doubles.allSatisfy { abs($0) <= 1 })
        let rate = try XCTUnwrap(result.acceptances[0].rate)
        XCTAssertTrue(rate > 0 && rate < 1, "\(rate)")
    }

    // MARK: Step sizes

    func testStepSizesReachTheTargetRate() throws {
        let schedule = try schedule()
        for sampler in [.mala, .hmc(leapfrogSteps: 4)] as [MCMCSampler] {
            var adaptation = StepSizeAdaptation(
                levels: [150, 60, 5].map { AnnealingLevel(timestep: $0, stepSize: 0.5, iterations: 5) },
                targetAcceptance: sampler.targetAcceptance)
            var positions = productLevel(schedule.alphaCumprod(at: 5)).samples(512, seed: 3)
            var tail = Array(repeating: Acceptance(), count: 3)
            for run in 0..<40 {
                let result = try annealedSample(
                    from: positions, schedule: schedule, levels: adaptation.levels, sampler: sampler,
                    target: AnnealedTarget(noise: product(schedule)), noise: chainNoise(seed: UInt64(run)))
                positions = result.positions
                if run >= 30 { tail = zip(tail, result.acceptances).map { $0 + $1 } }
                adaptation = adaptation.updated(result.acceptances)
            }
            assertClose(
                tail.compactMap(\.rate), Array(repeating: sampler.targetAcceptance, count: 3), atol: 0.05)
            XCTAssertEqual(
                try JSONDecoder().decode(
                    StepSizeAdaptation.self, from: JSONEncoder().encode(adaptation)), adaptation)
        }
        let unadjusted = StepSizeAdaptation(
            levels: [AnnealingLevel(timestep: 0, stepSize: 0.5, iterations: 5)], targetAcceptance: 0.5)
        XCTAssertEqual(unadjusted.updated([Acceptance()]).levels, unadjusted.levels)
        let step = unadjusted.updated([Acceptance(accepted: 3, proposed: 4)]).levels[0].stepSize
        assertClose(step, 0.5 * exp(0.25), rtol: 1e-14)
    }
}
