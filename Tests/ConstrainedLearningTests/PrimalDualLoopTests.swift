import ConstrainedLearning
import Foundation
import XCTest

final class PrimalDualLoopTests: XCTestCase {
    private typealias Loop = PrimalDualLoop<AnalyticProblem>

    /// Noisy, lagging, two active constraints and an inactive one.
    private var noisyAlignment: AnalyticProblem {
        var problem = AnalyticProblem(count: 3) {
            [1 - $0[0] - 0.5 * $0[1], 0.8 - 0.5 * $0[0] - $0[1], -1 - $0[2]]
        }
        problem.pace = 0.6
        problem.deviation = 0.05
        return problem
    }

    private var rules: [any DualRule] {
        [
            ProjectedAscent(domain: .nonnegative, step: 0.2),
            ProjectedAscent(domain: .simplex, step: 0.2, decay: 0.95),
            SmoothedAscent(domain: .nonnegative, step: 0.2, smoothing: 0.5),
            NuPI(
                domain: .nonnegative, integralGain: 0.2, proportionalGain: 0.5, smoothing: 0.5, warmup: 5),
            AdaptiveAscent(domain: .nonnegative), AdaptiveAscent(domain: .simplex),
        ]
    }

    // MARK: - Ends

    func testOneConstraint() throws {
        let product = try outcome(
            of:
                AnalyticProblem(count: 1) { _ in [3] }, constraints(count: 1),
            rule: AdaptiveAscent(domain: .simplex))
        XCTAssertEqual(product.status, .converged)
        XCTAssertEqual(product.multipliers, [1])
        let alignment = try outcome(
            of:
                AnalyticProblem(count: 1) { [0.5 - 2 * $0[0]] }, constraints(thresholds: [0.5]),
            rule: AdaptiveAscent(domain: .nonnegative))
        XCTAssertEqual(alignment.status, .converged)
        assertClose(alignment.multipliers, [0.25], relative: 1e-3)
    }

    /// λ is 0, ½, 1 before the three iterations and 1½ after them; the first is nobody's result.
    func testAnswerIsTheMeanOfSoManyLastIterates() throws {
        for (count, expected) in [(1, 1.5), (2, 1.25), (9, 1.0)] {
            var options = Loop.Options()
            (options.iterationLimit, options.averagedIterates) = (3, count)
            var loop = try Loop(
                problem: AnalyticProblem(count: 1) { _ in [1] }, constraints: constraints(thresholds: [1]),
                rule: ProjectedAscent(domain: .nonnegative, step: 0.5), options: options, start: [0])
            XCTAssertEqual(try loop.run().multipliers, [expected])
        }
    }

    func testIdenticalModels() throws {
        // All alike: nothing to decide. Two alike of three: their common weight is what counts.
        let all = try outcome(
            of:
                AnalyticProblem(count: 3) { _ in [0, 0, 0] }, constraints(count: 3),
            rule: AdaptiveAscent(domain: .simplex))
        XCTAssertEqual(all.status, .converged)
        assertClose(all.multipliers, [1.0 / 3, 1.0 / 3, 1.0 / 3], absolute: 1e-15)
        let product = IsotropicProduct(means: [[0, 0], [0, 0], [2, 0]], variance: 0.1)
        let two = try outcome(
            of:
                AnalyticProblem(count: 3) { product.divergences($0) }, constraints(count: 3),
            rule: AdaptiveAscent(domain: .simplex))
        XCTAssertEqual(two.status, .converged)
        assertClose([two.multipliers[2]], [0.5], absolute: 1e-3)
        assertClose(product.divergences(two.multipliers), [5, 5, 5], relative: 2e-3)
    }

    /// A violation that λ does not move: the whole weight goes to the largest.
    func testConstantViolations() throws {
        let result = try outcome(
            of:
                AnalyticProblem(count: 3) { _ in [1, 3, 2] }, constraints(count: 3),
            rule: AdaptiveAscent(domain: .simplex))
        XCTAssertEqual(result.status, .converged)
        assertClose(result.multipliers, [0, 1, 0], absolute: 1e-3)
    }

    func testInfeasible() throws {
        let cases: [(String, [Double], @Sendable ([Double]) -> [Double])] = [
            ("a reward that saturates below its threshold", [1.5], { [0.5 + 1 / (1 + $0[0])] }),
            ("rewards x and −x above 1", [1, 1], { [1 - $0[0] + $0[1], 1 + $0[0] - $0[1]] }),
            ("one of two", [1, 1], { [0.3 + 0.1 / (1 + $0[0]), 0.4 - $0[1]] }),
        ]
        for (what, thresholds, violations) in cases {
            for pace in [1, 0.3] {
                var problem = AnalyticProblem(count: thresholds.count, violations: violations)
                problem.pace = pace
                let result = try outcome(
                    of:
                        problem, constraints(thresholds: thresholds),
                    rule: AdaptiveAscent(domain: .nonnegative))
                XCTAssertEqual(result.status, .infeasible, what)
                XCTAssertTrue(try XCTUnwrap(result.explanation).contains("'c0'"), what)
            }
        }
    }

    func testInfeasibleWithNoise() throws {
        var problem = AnalyticProblem(count: 2) { [0.5 + 1 / (1 + $0[0]), 0.4 - $0[1]] }
        problem.deviation = 0.02
        let result = try outcome(
            of:
                problem, constraints(thresholds: [1, 1]), rule: AdaptiveAscent(domain: .nonnegative))
        XCTAssertEqual(result.status, .infeasible)
    }

    /// Multipliers that rested at 0 come back from there a million-fold without being taken for infeasible.
    func testMonitorRemembersEarlierSizes() {
        var monitor = InfeasibilityMonitor()
        func suspects(_ multiplier: Double, _ violation: Double) -> Bool {
            monitor.observe(multipliers: [multiplier], violations: [violation], scales: [2])
            return monitor.suspects(growth: 1e6)
        }
        for (multiplier, violation) in [(1, 0.5), (0, -0.5), (1e-9, 0.5), (1e-2, 0.5), (9e5, 0.5)] {
            XCTAssertFalse(suspects(multiplier, violation), "λ = \(multiplier)")
        }
        XCTAssertTrue(suspects(1.1e6, 0.5))
        XCTAssertFalse(suspects(1.2e6, 0.04))
    }

    /// A reward of bounded range close to its limit needs large multipliers, with a violation that falls as
    /// 1/λ.
    func testHardButFeasibleIsNotInfeasible() throws {
        for target in [1e2, 1e4] {
            let result = try outcome(
                of:
                    AnalyticProblem(count: 1) { [1 / (1 + $0[0]) - 1 / (1 + target)] },
                [Constraint(name: "bounded", threshold: 1, scale: 1 / target)],
                rule: AdaptiveAscent(domain: .nonnegative))
            XCTAssertEqual(result.status, .converged, "λ* = \(target)")
            assertClose(result.multipliers, [target], relative: 0.01)
        }
    }

    func testNonFiniteNamesTheConstraint() throws {
        for bad in [Double.nan, .infinity] {
            let problem = AnalyticProblem(count: 2) { [1 - $0[0], $0[0] > 1.2 ? bad : -1] }
            var loop = try Loop(
                problem: problem, constraints: [Constraint(name: "ink"), Constraint(name: "symmetry")],
                rule: ProjectedAscent(domain: .nonnegative, step: 3), start: [0.5, 0])
            let result = try loop.run()
            XCTAssertEqual(result.status, .nonFinite)
            XCTAssertEqual(
                result.explanation, "violation of 'symmetry' is \(bad) in iteration 2")
            XCTAssertEqual(result.lastMultipliers, [2, 0])
            XCTAssertEqual(result.iterations, 1)
        }
    }

    func testIterationLimit() throws {
        let result = try outcome(
            of: noisyAlignment, constraints(thresholds: [1, 1, 1]), rule: rules[0], limit: 7)
        XCTAssertEqual(result.status, .iterationLimit)
        XCTAssertEqual(result.iterations, 7)
    }

    func testInterruption() throws {
        var loop = try Loop(
            problem: noisyAlignment, constraints: constraints(thresholds: [1, 1, 1]), rule: rules[0])
        let result = try loop.run { iteration, _ in iteration.index == 5 ? .stop : .proceed }
        XCTAssertEqual(result.status, .interrupted)
        XCTAssertEqual(result.iterations, 5)
        XCTAssertEqual(loop.state.iteration, 5)
    }

    func testRawValues() {
        XCTAssertEqual(
            RunStatus.allCases.map(\.rawValue),
            ["converged", "iteration_limit", "infeasible", "non_finite", "interrupted"])
    }

    // MARK: - What happens in an iteration

    func testIterationRecord() throws {
        var options = Loop.Options()
        options.primalStepsPerIteration = 3
        options.iterationLimit = 2
        var loop = try Loop(
            problem: AnalyticProblem(count: 2) { [1 - $0[0], 0.25 - $0[1]] },
            constraints: constraints(thresholds: [1, 1]),
            rule: ProjectedAscent(domain: .nonnegative, step: 1), options: options, start: [0.25, 0.5])
        var record: [Iteration] = []
        let result = try loop.run { iteration, state in
            record.append(iteration)
            XCTAssertEqual(state.multipliers, iteration.nextMultipliers)
            return .proceed
        }
        XCTAssertEqual(loop.problem.steps, 6)
        XCTAssertEqual(record.map(\.index), [1, 2])
        XCTAssertEqual(record[0].multipliers, [0.25, 0.5])
        XCTAssertEqual(record[0].violations, [0.75, -0.25])
        XCTAssertEqual(record[0].nextMultipliers, [1, 0.25])
        XCTAssertEqual(record[0].gap, -(0.25 * 0.75 - 0.5 * 0.25))
        XCTAssertNil(record[0].dualValue)
        XCTAssertEqual(record[1].multipliers, [1, 0.25])
        XCTAssertEqual(result.multipliers, [0.625, 0.375])
        XCTAssertEqual(result.lastMultipliers, [1, 0.25])
    }

    func testCompositionRecord() throws {
        var loop = try Loop(
            problem: AnalyticProblem(count: 2) { _ in [2, 1] }, constraints: constraints(count: 2),
            rule: ProjectedAscent(domain: .simplex, step: 0.1), start: [0.25, 0.75])
        _ = try loop.run { iteration, _ in
            XCTAssertEqual(iteration.objective, 2)
            XCTAssertEqual(iteration.dualValue, 1.25)
            XCTAssertEqual(iteration.gap, 0.75)
            return .stop
        }
    }

    // MARK: - Resume

    /// Stopping after any iteration and resuming from the saved state gives the same bits as running through.
    func testResumeAtEveryIteration() throws {
        var options = Loop.Options()
        options.iterationLimit = 24
        let constraints = constraints(thresholds: [1, 0.8, 1])
        for rule in rules {
            var states: [LoopState] = []
            var problems: [AnalyticProblem] = []
            var whole = try Loop(
                problem: noisyAlignment, constraints: constraints, rule: rule,
                options: options)
            var replay = noisyAlignment
            let result = try whole.run { iteration, state in
                // The problem's own state at that moment, as a checkpoint would have it.
                replay.primalStep(multipliers: iteration.multipliers)
                _ = replay.evaluate(multipliers: iteration.multipliers)
                states.append(state)
                problems.append(replay)
                return .proceed
            }
            for (state, problem) in zip(states, problems) {
                let saved = try LoopState(flat: state.flat)
                XCTAssertEqual(saved, state)
                var rest = try Loop(
                    problem: problem, constraints: constraints, rule: rule, options: options, resuming: saved)
                XCTAssertEqual(
                    try rest.run(), result, "\(type(of: rule)) after \(state.iteration)")
                XCTAssertEqual(rest.state, whole.state, "\(type(of: rule)) after \(state.iteration)")
            }
        }
    }

    func testCodableStateIsExact() throws {
        var loop = try Loop(
            problem: noisyAlignment, constraints: constraints(thresholds: [1, 1, 1]), rule: rules[4])
        _ = try loop.run { iteration, _ in iteration.index == 11 ? .stop : .proceed }
        let data = try JSONEncoder().encode(loop.state)
        XCTAssertEqual(try JSONDecoder().decode(LoopState.self, from: data), loop.state)
    }

    /// A run that has ended ends at once when resumed, for the same reason.
    func testResumingAFinishedRun() throws {
        let problem = AnalyticProblem(count: 2) { [1 - $0[0], 0.5 - $0[1]] }
        let constraints = constraints(thresholds: [1, 0.5])
        var loop = try Loop(
            problem: problem, constraints: constraints, rule: AdaptiveAscent(domain: .nonnegative))
        let result = try loop.run()
        XCTAssertEqual(result.status, .converged)
        var again = try Loop(
            problem: problem, constraints: constraints, rule: AdaptiveAscent(domain: .nonnegative),
            resuming: loop.state)
        XCTAssertEqual(try again.run(), result)
        XCTAssertEqual(again.problem.steps, 0)
    }

    func testForeignStateIsRefused() throws {
        var loop = try Loop(
            problem: noisyAlignment, constraints: constraints(thresholds: [1, 1, 1]), rule: rules[0])
        _ = try loop.run { _, _ in .stop }
        XCTAssertThrowsError(
            try Loop(
                problem: noisyAlignment, constraints: constraints(thresholds: [1, 1]), rule: rules[0],
                resuming: loop.state)
        ) { XCTAssertEqual($0 as? SavedStateError, .wrongCount("multipliers", got: 3, expected: 2)) }
        XCTAssertThrowsError(
            try Loop(
                problem: noisyAlignment, constraints: constraints(thresholds: [1, 1, 1]), rule: rules[4],
                resuming: loop.state)
        ) { XCTAssertEqual($0 as? SavedStateError, .missing("recent")) }
        var damaged = loop.state.flat
        damaged["window"]?.removeLast()
        XCTAssertThrowsError(try LoopState(flat: damaged))
    }
}
