import Foundation
import TestSupport
import XCTest

/// Mixtures with exact scores against their closed forms (method §4), where supports are disjoint.
///
/// λ_i ∝ exp(H_i) and bound log Σ exp(H_i) for `elbo`; 1/m and log m for `kl`.
final class MixtureTests: CommandTestCase {
    private struct Case: Sendable {
        let name: String
        let models: [Normal]
    }

    private static let pair = [
        Normal([-1.5, 0], variance: 0.02), Normal([1.5, 0], variance: 0.18),
    ]

    private static let cases = [
        Case(name: "one nine times as wide", models: pair),
        Case(name: "the same × 10", models: pair.map { $0.scaled(by: 10) }),
        Case(name: "the same × 0.01", models: pair.map { $0.scaled(by: 0.01) }),
        Case(
            name: "three in three dimensions",
            models: [
                Normal([-1.5, 0, 0], variance: 0.03), Normal([1.5, 0, 0], variance: 0.06),
                Normal([0, 2, 0], [[0.09, 0.02, 0], [0.02, 0.05, 0], [0, 0, 0.04]]),
            ]),
        Case(
            name: "eight dimensions",
            models: [
                Normal(Array(repeating: -1, count: 8), variance: 0.05),
                Normal(Array(repeating: 1, count: 8), variance: 0.06),
            ]),
    ]

    func testEqualCrossEntropies() throws {
        for (test, summary) in try summaries("elbo") {
            let masses = test.models.map { exp($0.entropy) }
            let total = masses.reduce(0, +)
            assertMultipliers(summary.multipliers, masses.map { $0 / total }, test.name)
            // The entropy of the mixture; its zero depends on the unit of x, so 2 % of at least one nat.
            assertClose([summary.bound ?? .nan], [log(total)], absolute: 0.02, relative: 0.02, test.name)
        }
    }

    func testEqualDivergences() throws {
        for (test, summary) in try summaries("kl") {
            let count = Double(test.models.count)
            assertMultipliers(summary.multipliers, test.models.map { _ in 1 / count }, test.name)
            assertClose([summary.bound ?? .nan], [log(count)], relative: 0.02, test.name)
            assertClose([summary.objective], [log(count)], relative: 0.02, test.name)
        }
    }

    private func summaries(_ constraint: String) throws -> [(Case, RunDirectory.Summary)] {
        let summaries = try twoAtATime(Array(Self.cases.enumerated())) { [workspace] index, test in
            let problem = Problem(
                kind: "mixture", dimension: test.models[0].mean.count,
                models: test.models.enumerated().map { $1.model("q\($0)") },
                settings: ["constraint: \(constraint)"])
            return try workspace.finish(problem, output: "run-\(index)").summary()
        }
        return Array(zip(Self.cases, summaries))
    }
}
