import ConstrainedLearning
import Foundation
import XCTest

/// Mixtures of models with disjoint supports: −E_{qᵢ} log p = Hᵢ − log λᵢ for p = Σλᵢqᵢ.
final class MixtureTests: XCTestCase {
    private func mixture(_ entropies: [Double], deviation: Double = 0, seed: UInt64 = 1) -> AnalyticProblem {
        var problem = AnalyticProblem(count: entropies.count) { multipliers in
            zip(entropies, multipliers).map { $0 - log($1) }
        }
        problem.start = MultiplierDomain.simplex.uniform(count: entropies.count)
        problem.deviation = deviation
        problem.noise = Noise(seed: seed)
        return problem
    }

    /// Cross-entropies carry an arbitrary constant, so violations are measured in nats.
    private func solve(_ problem: AnalyticProblem, limit: Int = 200) throws -> PrimalDualResult {
        try outcome(
            of:
                problem, constraints(count: problem.start.count, scale: 1),
            rule: AdaptiveAscent(domain: .simplex), limit: limit)
    }

    private func optimum(_ entropies: [Double]) -> [Double] {
        let largest = entropies.reduce(-Double.infinity, max)
        let weights = entropies.map { exp($0 - largest) }
        return weights.map { $0 / weights.reduce(0, +) }
    }

    /// Two Gaussians of variance 0.02 and 0.18 in the plane: entropies log(2πe s²), λ* = (0.10, 0.90).
    func testTwoGaussians() throws {
        let entropies = [0.02, 0.18].map { log(2 * Double.pi * M_E * $0) }
        let result = try solve(mixture(entropies))
        XCTAssertEqual(result.status, .converged)
        XCTAssertLessThan(result.iterations, 60)
        assertClose(result.multipliers, [0.10, 0.90], absolute: 2e-3)
    }

    func testEntropies() throws {
        let cases: [[Double]] = [
            [0, 0], [0, 1, 2, 3], [-100, -98], [0, 3, 3], [5, 5, 5, 0, 0], [0, 12],
        ]
        for entropies in cases {
            let result = try solve(mixture(entropies))
            XCTAssertEqual(result.status, .converged, "\(entropies)")
            XCTAssertLessThan(result.iterations, 60, "\(entropies)")
            assertClose(result.multipliers, optimum(entropies), absolute: 5e-3, "\(entropies)")
        }
    }

    /// With the divergences KL(qᵢ‖p) = −log λᵢ the optimum is 1/m.
    func testDivergences() throws {
        for count in [2, 3, 8] {
            var problem = mixture([Double](repeating: 0, count: count))
            let result = try solve(problem)
            XCTAssertEqual(result.status, .converged)
            assertClose(
                result.multipliers, MultiplierDomain.simplex.uniform(count: count), absolute: 1e-12)
            problem.deviation = 0.02
            let noisy = try solve(problem, limit: 400)
            XCTAssertEqual(noisy.status, .converged)
            assertClose(
                noisy.multipliers, MultiplierDomain.simplex.uniform(count: count), absolute: 5e-3)
        }
    }

    func testNoise() throws {
        for seed in 1...8 as ClosedRange<UInt64> {
            for entropies: [Double] in [[0, log(9.0)], [0, 1, 2]] {
                let result = try solve(mixture(entropies, deviation: 0.02, seed: seed), limit: 400)
                XCTAssertEqual(result.status, .converged, "\(entropies), seed \(seed)")
                assertClose(
                    result.multipliers, optimum(entropies), absolute: 0.01, "\(entropies), seed \(seed)")
            }
        }
    }

    func testLaggingPrimal() throws {
        for pace in [0.3, 0.6] {
            var problem = mixture([0, log(9.0)])
            problem.pace = pace
            let result = try solve(problem)
            XCTAssertEqual(result.status, .converged, "pace \(pace)")
            XCTAssertLessThan(result.iterations, 60, "pace \(pace)")
            assertClose(result.multipliers, [0.1, 0.9], absolute: 5e-3, "pace \(pace)")
        }
    }
}
