import ConstrainedLearning
import XCTest

/// Alignment of N(0, I) with linear rewards: λ* = argmax λᵀb − ½λᵀWWᵀλ over λ ≥ 0.
final class AlignmentTests: XCTestCase {
    /// Rewards in the given units with `inactive` thresholds that hold by themselves at the optimum.
    private func alignment(
        units: [Double], inactive: Int, seed: UInt64
    ) -> (LinearAlignment, optimum: [Double]) {
        var noise = Noise(seed: seed)
        let count = units.count
        let dimension = 2 * count
        let weights = units.map { unit in
            noise.normals(dimension).map { $0 * unit / Double(dimension).squareRoot() }
        }
        let optimum = units.indices.map { i in i < inactive ? 0 : (0.2 + noise.uniform()) / units[i] }
        let gram = weights.map { row in weights.map { inner(row, $0) } }
        let thresholds = units.indices.map { i in
            inner(gram[i], optimum) - (i < inactive ? (0.3 + noise.uniform()) * units[i] : 0)
        }
        return (LinearAlignment(weights: weights, thresholds: thresholds), optimum)
    }

    private func solve(
        _ alignment: LinearAlignment, pace: Double = 1, deviation: Double = 0, seed: UInt64 = 1,
        limit: Int = 200, tolerance: Double = 2e-3, hinted: Bool = false
    ) throws -> PrimalDualResult {
        let count = alignment.thresholds.count
        var problem = AnalyticProblem(count: count) { alignment.violations($0) }
        problem.pace = pace
        problem.deviation = deviation
        problem.noise = Noise(seed: seed)
        if hinted { problem.curvature = SquareMatrix(order: count, values: alignment.gram.flatMap { $0 }) }
        return try outcome(
            of:
                problem, constraints(thresholds: alignment.thresholds),
            rule: AdaptiveAscent(domain: .nonnegative), limit: limit, tolerance: tolerance)
    }

    private func check(
        _ result: PrimalDualResult, _ optimum: [Double], below iterations: Int, within relative: Double,
        _ what: String, file: StaticString = #filePath, line: UInt = #line
    ) {
        XCTAssertEqual(result.status, .converged, what, file: file, line: line)
        XCTAssertLessThan(result.iterations, iterations, what, file: file, line: line)
        assertClose(
            result.multipliers, optimum, absolute: relative * optimum.reduce(0, max), what, file: file,
            line: line)
    }

    func testOptimumByEnumeration() throws {
        let (problem, optimum) = alignment(units: [1, 1, 1, 1], inactive: 2, seed: 3)
        assertClose(try XCTUnwrap(problem.optimum), optimum, absolute: 1e-9)
    }

    func testUnitsAndInactiveConstraints() throws {
        for unit in [1e-3, 1, 1e3] {
            for count in [1, 2, 3, 5, 8] {
                for inactive in [0, count / 2] {
                    let units = [Double](repeating: unit, count: count)
                    let (problem, optimum) = alignment(
                        units: units, inactive: inactive, seed: UInt64(count))
                    check(
                        try solve(problem), optimum, below: 60, within: 0.01,
                        "\(count) rewards in units of \(unit), \(inactive) inactive")
                }
            }
        }
    }

    func testRewardsInDifferentUnits() throws {
        for seed in 1...6 as ClosedRange<UInt64> {
            let (problem, optimum) = alignment(units: [1e-3, 1, 1e3], inactive: 1, seed: seed)
            let result = try solve(problem)
            XCTAssertEqual(result.status, .converged, "seed \(seed)")
            XCTAssertLessThan(result.iterations, 60, "seed \(seed)")
            for (i, unit) in [1e-3, 1, 1e3].enumerated() {
                XCTAssertEqual(
                    result.multipliers[i] * unit, optimum[i] * unit, accuracy: 0.02, "seed \(seed)")
            }
        }
    }

    /// The primal goes half or a third of the way in each iteration.
    func testLaggingPrimal() throws {
        for (pace, iterations) in [(0.5, 60), (0.3, 80)] {
            for unit in [1e-3, 1, 1e3] {
                for seed in 1...4 as ClosedRange<UInt64> {
                    let (problem, optimum) = alignment(
                        units: [unit, unit, unit], inactive: 1, seed: seed)
                    check(
                        try solve(problem, pace: pace), optimum, below: iterations, within: 0.01,
                        "pace \(pace), unit \(unit), seed \(seed)")
                }
            }
        }
    }

    /// Noise of 2 % of the thresholds: an average over 100 evaluations at λ* would determine λ* to 0.5 %.
    func testNoisyViolationsOfALaggingPrimal() throws {
        for unit in [1e-3, 1, 1e3] {
            let weights = [[1.0, 0.3, 0], [0.2, 0.8, 0.5], [0, 0.4, 1]].map { $0.map { $0 * unit } }
            let optimum = [0.7, 0.4, 0].map { $0 / unit }
            let thresholds = weights.enumerated().map { i, row in
                weights.indices.reduce(i == 2 ? -0.3 * unit : 0) {
                    $0 + inner(row, weights[$1]) * optimum[$1]
                }
            }
            let problem = LinearAlignment(weights: weights, thresholds: thresholds)
            let deviation = 0.02 * thresholds.reduce(0, max)
            for (pace, seed) in [(1, 1), (1, 2), (0.6, 3), (0.6, 4), (0.4, 5)] as [(Double, UInt64)] {
                let what = "unit \(unit), pace \(pace), seed \(seed)"
                let long = try solve(
                    problem, pace: pace, deviation: deviation, seed: seed, limit: 400, tolerance: 0)
                XCTAssertEqual(long.status, .iterationLimit, what)
                assertClose(long.multipliers, optimum, absolute: 0.02 * optimum[0], what)
                // Averaging over the window is what makes it so: the same noise does not hide convergence.
                let ended = try solve(
                    problem, pace: pace, deviation: deviation, seed: seed, limit: 400, tolerance: 5e-3)
                XCTAssertEqual(ended.status, .converged, what)
            }
        }
    }

    func testCurvatureHint() throws {
        for unit in [1e-3, 1, 1e3] {
            let (problem, optimum) = alignment(
                units: [unit, unit, unit, unit], inactive: 1, seed: 7)
            check(try solve(problem, hinted: true), optimum, below: 40, within: 0.01, "unit \(unit)")
        }
    }

    /// λ* = 10⁴ is reached geometrically and is not taken for infeasible.
    func testLargeMultipliers() throws {
        for optimum in [1e2, 1e4] {
            let problem = LinearAlignment(weights: [[1e-2]], thresholds: [1e-4 * optimum])
            let result = try solve(problem)
            check(result, [optimum], below: 40, within: 1e-3, "λ* = \(optimum)")
        }
    }

    func testEverythingInactive() throws {
        let problem = LinearAlignment(weights: [[1, 0], [0, 1]], thresholds: [-1, -2])
        let result = try solve(problem)
        XCTAssertEqual(result.status, .converged)
        XCTAssertEqual(result.lastMultipliers, [0, 0])
    }

    /// A constraint that held for thousands of iterations comes to matter: its multiplier returns from 0.
    func testReturnFromZeroAfterALongRest() {
        var rule = AdaptiveAscent(domain: .nonnegative)
        var multipliers = [1.0]
        for _ in 0..<10_000 { multipliers = rule.update(multipliers, violations: [-1], curvature: nil) }
        XCTAssertEqual(multipliers, [0])
        for _ in 0..<80 {
            multipliers = rule.update(multipliers, violations: [1 - multipliers[0]], curvature: nil)
        }
        assertClose(multipliers, [1], absolute: 1e-3)
    }
}
