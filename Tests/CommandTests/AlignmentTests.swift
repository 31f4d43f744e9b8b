import Foundation
import TestSupport
import XCTest

/// Alignment of a Gaussian with exact scores under linear rewards, against the chain's closed form (method §4).
final class AlignmentTests: CommandTestCase {
    private struct Case: Sendable {
        let name: String
        var chain = ReverseChain(steps: 25)
        let mean: [Double]
        let variances: [Double]
        let rewards: [[Double]]
        let thresholds: [Double]
        var coefficient = 1.0
    }

    private static let cases = [
        Case(
            name: "two active", mean: [0, 0], variances: [1, 1], rewards: [[1, 0], [0.6, 0.8]],
            thresholds: [0.5, 0.7]),
        Case(
            name: "one inactive", mean: [0, 0], variances: [1, 1], rewards: [[1, 0], [0.6, 0.8]],
            thresholds: [0.8, 0.2]),
        Case(
            name: "all steps",
            chain: ReverseChain(trainSteps: 60, betaStart: 0.0017, betaEnd: 0.33, steps: 60),
            mean: [0, 0], variances: [1, 1], rewards: [[0, 1]], thresholds: [0.9]),
        Case(
            name: "less noise", chain: ReverseChain(steps: 25, eta: 0.6), mean: [0, 0], variances: [1, 1],
            rewards: [[1, 1]], thresholds: [0.6]),
        Case(
            name: "another base", mean: [0.5, -0.3], variances: [0.4, 0.1], rewards: [[1, 0.5], [0, 1]],
            thresholds: [0.8, -0.1]),
        Case(
            name: "coefficient 0.1", mean: [0, 0], variances: [1, 1], rewards: [[1, 0]], thresholds: [0.5],
            coefficient: 0.1),
        Case(
            name: "coefficient 5", mean: [0, 0, 0], variances: [1, 0.5, 2],
            rewards: [[1, 0, 1], [0, 1, 0]],
            thresholds: [1, 0.3], coefficient: 5),
        Case(
            name: "rewards in large units", mean: [0, 0], variances: [1, 1], rewards: [[100, 0], [0, 1]],
            thresholds: [60, 0.4]),
        Case(
            name: "eight dimensions", mean: Array(repeating: 0, count: 8),
            variances: Array(repeating: 1, count: 8),
            rewards: [
                [1, 0, 0, 0, 0, 0, 0, 0], [0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0.6, 0.8],
            ], thresholds: [0.4, 0.6, 0.2]),
    ]

    func testMultipliersRewardsAndDivergenceOfTheClosedForm() throws {
        let summaries = try twoAtATime(Array(Self.cases.enumerated())) { [workspace] index, test in
            try workspace.finish(Self.problem(test), output: "run-\(index)").summary()
        }
        for (test, summary) in zip(Self.cases, summaries) {
            let optimum = AlignmentOptimum(
                chain: test.chain, mean: test.mean, variances: test.variances, rewards: test.rewards,
                thresholds: test.thresholds)
            assertMultipliers(summary.multipliers, optimum.multipliers, test.name)
            assertClose([summary.objective], [optimum.divergence], relative: 0.02, test.name)
            let scales = test.thresholds.map { max(abs($0), 0.1) }
            assertClose(
                zip(summary.rewards ?? [], scales).map { $0 / $1 },
                zip(optimum.rewards, scales).map { $0 / $1 }, absolute: 0.02, test.name)
        }
    }

    /// E r ≤ b is E(−r) ≥ −b, and both are met where the closed form says.
    func testLowDirection() throws {
        let chain = ReverseChain(steps: 25)
        let problem = Problem(
            kind: "alignment", dimension: 2, models: [Normal([0, 0], variance: 1).model("base")],
            rewards: [
                "{name: left, linear: [1.0, 0.0], threshold: -0.6, direction: low}",
                "{name: up, linear: [0.6, 0.8], threshold: 0.1, direction: high}",
            ], settings: chain.yaml + Self.small)
        let summary = try workspace.finish(problem).summary()
        let optimum = AlignmentOptimum(
            chain: chain, mean: [0, 0], variances: [1, 1], rewards: [[-1, 0], [0.6, 0.8]],
            thresholds: [0.6, 0.1])
        assertMultipliers(summary.multipliers, optimum.multipliers)
        assertClose(summary.rewards ?? [], [-optimum.rewards[0], optimum.rewards[1]], absolute: 0.01)
        assertClose([summary.objective], [optimum.divergence], relative: 0.02)
    }

    /// With `normalize: base` thresholds and multipliers are in units of the base chain's standard deviation.
    func testRewardsInUnitsOfTheBase() throws {
        let chain = ReverseChain(steps: 25)
        let problem = Problem(
            kind: "alignment", dimension: 2, models: [Normal([0.5, 2], [[0.3, 0], [0, 4]]).model("base")],
            rewards: ["{name: up, linear: [0.0, 10.0], threshold: 0.75, normalize: base}"],
            // The unit is estimated from antithetic pairs: to 0.4 % on so many, to 1.1 % on an eighth of them.
            settings: chain.yaml + ["training: {batch: 64, micro_batch: 64}", "evaluation: {samples: 65536}"])
        let summary = try workspace.finish(problem).summary()
        let up = chain.coordinate(mean: 2, variance: 4)
        // r̃ = (x − m)/σ: E r̃ = V λ̃/σ² for the multiplier λ̃ of r̃.
        let multiplier = 0.75 * up.variance / up.gain
        assertMultipliers(summary.multipliers, [multiplier])
        assertClose(summary.rewards ?? [], [0.75], absolute: 0.01)
        assertClose([summary.objective], [0.75 * multiplier / 2], relative: 0.02)
    }

    /// A quadratic reward: the optimal correction depends on the state, as linear–quadratic control says.
    func testSymmetryOfTheClosedForm() throws {
        let chain = ReverseChain(steps: 25)
        let threshold = -0.5
        let problem = Problem(
            kind: "alignment", dimension: 2, models: [Normal([0.3, -0.2], variance: 1).model("base")],
            rewards: ["{name: symmetry, mirror: {width: 2, height: 1}, threshold: \(threshold)}"],
            settings: chain.yaml + [
                "training: {batch: 2048, micro_batch: 64}", "evaluation: {samples: 65536}",
            ])
        let summary = try workspace.finish(problem).summary()
        let optimum = SymmetryOptimum(chain: chain, difference: 0.5, threshold: threshold)
        assertMultipliers(summary.multipliers, [optimum.multiplier])
        // The violation is seen to 1 % with the noise of the gradients still in the maps.
        assertClose(summary.rewards ?? [], [threshold], relative: 0.04)
        assertClose([summary.objective], [optimum.divergence], relative: 0.03)
        XCTAssertEqual(summary.status, "converged")
    }

    /// Linear problems have no sampling error (chains come in mirrored pairs), so few samples are enough.
    private static let small = ["training: {batch: 64, micro_batch: 64}", "evaluation: {samples: 8192}"]

    private static func problem(_ test: Case) -> Problem {
        var base = Normal(test.mean, variance: 1)
        base.covariance = .diagonal(test.variances)
        let training = "{batch: 64, micro_batch: 64, kl_coefficient: \(test.coefficient)}"
        return Problem(
            kind: "alignment", dimension: test.mean.count, models: [base.model("base")],
            rewards: zip(test.rewards, test.thresholds).enumerated().map { index, reward in
                "{name: r\(index), linear: \(reward.0), threshold: \(reward.1)}"
            },
            settings: test.chain.yaml + ["training: \(training)", "evaluation: {samples: 8192}"])
    }
}
