import Diffusion
import Foundation
import TensorCore
import TestSupport
import XCTest

final class PathwiseTests: XCTestCase {
    private func configuration() -> SchedulerConfiguration {
        var configuration = SchedulerConfiguration()
        configuration.clipSample = false
        return configuration
    }

    /// One dimension, ε affine in x: x_{0:T} is jointly Gaussian under both chains, and its KL in closed form.
    func testLemmaOneIsTheDivergenceOfTheChains() throws {
        for eta in [0.3, 1] {
            // ᾱ_0 < 1 at the end keeps noise in the last step too, so the joint covariance is regular.
            var configuration = configuration()
            configuration.setAlphaToOne = false
            configuration.stepsOffset = 1
            let steps = try configuration.steps(count: 6, eta: eta)
            let p = { (t: Int) in (slope: 0.6 + 0.0002 * Double(t), offset: 0.3 - 0.0004 * Double(t)) }
            let q = { (t: Int) in (slope: 0.8 - 0.0001 * Double(t), offset: -0.1) }
            let reference = jointChain(steps, p).divergence(from: jointChain(steps, q))

            var sum = 0.0
            var (mean, variance) = (0.0, 1.0)
            for step in steps {
                // The term is quadratic in x: its mean over two points with p's moments is the expectation.
                let x = Tensor([mean - variance.squareRoot(), mean + variance.squareRoot()], shape: [2, 1])
                let (pModel, qModel) = (p(step.timestep), q(step.timestep))
                let terms = pathwiseTerms(
                    x.affine(scale: pModel.slope, shift: pModel.offset),
                    x.affine(scale: qModel.slope, shift: qModel.offset), step: step, weights: .exact)
                XCTAssertEqual(terms.shape, [2])
                sum += terms.mean().item
                let factor = step.stateScale + step.noiseScale * pModel.slope
                mean = factor * mean + step.noiseScale * pModel.offset
                variance = factor * factor * variance + step.sigma * step.sigma
            }
            assertClose(sum, reference, rtol: 1e-8, "η = \(eta)")
        }
    }

    /// Mean and covariance of (x_T, …, x_0).
    private func jointChain(
        _ steps: [DDIMStep], _ model: (Int) -> (slope: Double, offset: Double)
    ) -> Gaussian {
        var mean = [0.0]
        // Row i: x_i as a combination of the start and the noises of the steps.
        var rows = [[1.0] + Array(repeating: 0, count: steps.count)]
        for (i, step) in steps.enumerated() {
            let (slope, offset) = model(step.timestep)
            let factor = step.stateScale + step.noiseScale * slope
            mean.append(factor * mean[i] + step.noiseScale * offset)
            var row = rows[i].map { factor * $0 }
            row[i + 1] = step.sigma
            rows.append(row)
        }
        let covariance = rows.map { a in rows.map { b in zip(a, b).map { $0 * $1 }.reduce(0, +) } }
        return Gaussian(mean: mean, covariance: Matrix(covariance))
    }

    /// method.md §4: tilting N(0, I) by wᵀx over the whole chain costs ½ V ‖w‖².
    func testTiltedChainCostsHalfTheGain() throws {
        let steps = try configuration().steps(count: 15, eta: 1)
        var (cost, gain, later) = (0.0, 0.0, 1.0)
        for step in steps.reversed() {
            if let weight = step.divergenceWeight {
                let shift = step.sigma * step.sigma * later * 0.7
                let p = Tensor([shift / step.noiseScale, 0], shape: [1, 2])
                let term = pathwiseTerms(
                    p, Tensor.zeros(like: p), step: step, weights: .exact)
                assertClose(term.item, weight * p.doubles[0] * p.doubles[0], rtol: 1e-12)
                cost += term.item
                gain += step.sigma * step.sigma * later * later
            }
            later *=
                (step.previousAlphaCumprod * step.alphaCumprod).squareRoot()
                + step.directionScale * (1 - step.alphaCumprod).squareRoot()
        }
        assertClose(gain, 0.65, atol: 0.005)
        assertClose(cost, gain * 0.7 * 0.7 / 2, rtol: 1e-9)
    }

    func testUniformWeightsAndGradients() throws {
        let step = DDIMStep(timestep: 5, alphaCumprod: 0.5, previousAlphaCumprod: 0.8, eta: 1)
        let p = Tensor([0.5, -0.2, 1.0, 0.3], shape: [2, 2]).tracked()
        let q = Tensor([0.1, 0.4, -0.5, 0.2], shape: [2, 2])
        let squares = [0.16 + 0.36, 2.25 + 0.01]
        let uniform = pathwiseTerms(p, q, step: step, weights: .uniform)
        assertClose(uniform.doubles, squares.map { $0 / 2 }, rtol: 1e-14)
        let exact = pathwiseTerms(p, q, step: step, weights: .exact)
        let weight = try XCTUnwrap(step.divergenceWeight)
        assertClose(exact.doubles, squares.map { weight * $0 }, rtol: 1e-14)
        let gradient = try XCTUnwrap(gradients(of: exact.sum())[p])
        assertClose(gradient.doubles, [0.4, -0.6, 1.5, 0.1].map { 2 * weight * $0 }, rtol: 1e-13)

        let last = DDIMStep(timestep: 0, alphaCumprod: 0.99, previousAlphaCumprod: 1, eta: 1)
        XCTAssertEqual(pathwiseTerms(p, q, step: last, weights: .exact).doubles, [0, 0])
    }

    func testExactWeightsAreRefusedWhereUndefined() throws {
        let noisy = try configuration().steps(count: 10, eta: 1)
        XCTAssertNoThrow(try PathwiseWeights.exact.check(steps: noisy))
        let deterministic = try configuration().steps(count: 10, eta: 0)
        XCTAssertNoThrow(try PathwiseWeights.uniform.check(steps: deterministic))
        XCTAssertThrowsError(try PathwiseWeights.exact.check(steps: deterministic)) {
            XCTAssertTrue("\($0)".contains("eta is 0"), "\($0)")
        }
        var empty = configuration()
        empty.rescaleBetasZeroSNR = true
        empty.timestepSpacing = .trailing
        let emptySteps = try empty.steps(count: 10, eta: 1)
        XCTAssertThrowsError(try PathwiseWeights.exact.check(steps: emptySteps)) {
            XCTAssertTrue("\($0)".contains("signal is zero at timestep 999"), "\($0)")
        }
        XCTAssertNoThrow(try PathwiseWeights.uniform.check(steps: emptySteps))
        XCTAssertThrowsError(
            try PathwiseWeights.exact.check(
                steps: noisy, prediction: Prediction(type: .epsilon, clipRange: 1)))
    }
}
