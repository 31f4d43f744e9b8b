/// Primal descent and dual ascent on the Lagrangian, in turns.
///
///     repeat
///         N times: primal step at λₖ
///         vₖ = measured violations
///         λₖ₊₁ = rule(λₖ, vₖ)
///     until converged, infeasible, non-finite, interrupted, or at the limit
///
/// A loop made with a saved state continues as if it had never stopped, to the bit, if the problem does.
/// Settling the primal at the averaged multipliers and the final measurement are the caller's.
public struct PrimalDualLoop<Problem: PrimalDualProblem> {
    public struct Options: Sendable, Equatable {
        /// Primal steps per dual step, N.
        public var primalStepsPerIteration = 1
        /// Dual iterations in all, those before a resume included.
        public var iterationLimit = 200
        /// See ``ConvergenceTest``: relative KKT residual over the window.
        public var tolerance = 2e-3
        /// Growth of the multipliers without effect that counts as infeasible.
        public var infeasibleGrowth = 1e6
        /// The part of the run that averages are taken over.
        public var tail = TailAverage()
        /// The result's multipliers are the mean of so many last iterates, that of the last dual step included;
        /// nil for the tail average.
        public var averagedIterates: Int?

        public init() {}
    }

    public private(set) var problem: Problem
    public private(set) var rule: any DualRule
    public private(set) var state: LoopState
    public let constraints: [Constraint]
    public let options: Options
    private let scale: ViolationScale

    /// - Parameters:
    ///   - start: λ₁; nil is 1/m.
    ///   - saved: a state to resume from; then `start` and `options.tail` play no part.
    /// - Throws: ``SavedStateError`` if the saved state belongs to other constraints or another rule.
    public init(
        problem: Problem, constraints: [Constraint], rule: any DualRule, options: Options = Options(),
        start: [Double]? = nil, resuming saved: LoopState? = nil
    ) throws {
        let count = constraints.count
        precondition(
            count > 0 && start?.count ?? count == count,
            "PrimalDualLoop: got \(count) constraints, \(start?.count ?? count) multipliers, "
                + "expected as many, at least one"
        )
        let first = rule.domain.projection(of: start ?? rule.domain.uniform(count: count))
        (self.problem, self.constraints, self.rule, self.options) = (problem, constraints, rule, options)
        scale = ViolationScale(constraints: constraints, domain: rule.domain)
        state = saved ?? LoopState(multipliers: first, window: options.tail)
        guard state.multipliers.count == count else {
            throw SavedStateError.wrongCount("multipliers", got: state.multipliers.count, expected: count)
        }
        if let saved, saved.iteration > 0 { try self.rule.restore(saved.rule) }
    }

    /// Runs to the end.
    /// - Parameter observer: called after every iteration with the state to save; it may stop the run.
    /// - Throws: whatever the problem or the observer throws.
    public mutating func run(
        observer: (Iteration, LoopState) throws -> LoopDirective = { _, _ in .proceed }
    ) throws -> PrimalDualResult {
        while true {
            if let (status, explanation) = verdict() { return result(status, explanation) }
            for _ in 0..<options.primalStepsPerIteration {
                try problem.primalStep(multipliers: state.multipliers)
            }
            let evaluation = try problem.evaluate(multipliers: state.multipliers)
            precondition(
                evaluation.violations.count == constraints.count,
                "PrimalDualLoop: got \(evaluation.violations.count) violations of \(constraints.count)"
            )
            if let complaint = nonFinite(evaluation.violations, what: "violation") {
                return result(.nonFinite, complaint)
            }
            let next = rule.update(
                state.multipliers, violations: evaluation.violations, curvature: evaluation.curvature)
            if let complaint = nonFinite(next, what: "multiplier") { return result(.nonFinite, complaint) }
            let iteration = Iteration(
                index: state.iteration + 1, multipliers: state.multipliers, next: next,
                evaluation: evaluation, smoothed: rule.smoothedViolations, domain: rule.domain)
            advance(by: iteration)
            if try observer(iteration, state) == .stop {
                let (status, explanation) = verdict() ?? (.interrupted, nil)
                return result(status, explanation)
            }
        }
    }

    private mutating func advance(by iteration: Iteration) {
        state.iteration = iteration.index
        state.peaks = zip(state.peaks, iteration.violations).map { max($0, abs($1)) }
        state.window.append(iteration.multipliers + iteration.violations)
        state.monitor.observe(
            multipliers: iteration.multipliers, violations: iteration.violations,
            scales: scale.scales(violations: iteration.violations, peaks: state.peaks))
        state.multipliers = iteration.nextMultipliers
        state.rule = rule.state
    }

    /// How the run ends here, if it does.
    ///
    /// It follows from the state alone, so a resumed run ends where it would have.
    private func verdict() -> (status: RunStatus, explanation: String?)? {
        let test = ConvergenceTest(tolerance: options.tolerance, domain: rule.domain, scale: scale)
        if test.isMet(window: state.window, peaks: state.peaks) { return (.converged, nil) }
        if rule.domain == .nonnegative && state.monitor.suspects(growth: options.infeasibleGrowth) {
            return (.infeasible, infeasibility())
        }
        return state.iteration >= options.iterationLimit ? (.iterationLimit, nil) : nil
    }

    private func infeasibility() -> String {
        let (multipliers, violations) = state.averages
        let worst = constraints.indices.max {
            multipliers[$0] * violations[$0] < multipliers[$1] * violations[$1]
        }
        let name =
            worst.map { "'\(constraints[$0].name)' (violation \(violations[$0]))" } ?? "the constraints"
        return
            "the multipliers grew more than \(options.infeasibleGrowth)-fold and \(name) is still violated; "
            + "lower its threshold or one that conflicts with it"
    }

    private func nonFinite(_ values: [Double], what: String) -> String? {
        guard let index = values.firstIndex(where: { !$0.isFinite }) else { return nil }
        return
            "\(what) of '\(constraints[index].name)' is \(values[index]) in iteration \(state.iteration + 1)"
    }

    private func result(_ status: RunStatus, _ explanation: String?) -> PrimalDualResult {
        let averages = state.averages
        return PrimalDualResult(
            status: status, explanation: explanation, iterations: state.iteration,
            multipliers: options.averagedIterates.map(meanOfLast) ?? averages.multipliers,
            lastMultipliers: state.multipliers, violations: averages.violations)
    }

    /// Mean of λ_{H+2−n} … λ_{H+1} after H iterations; λ_1 is no result of any.
    private func meanOfLast(_ count: Int) -> [Double] {
        let rows = state.window.rows
        let iterates = rows.map { Array($0.prefix(constraints.count)) } + [state.multipliers]
        let last = iterates.suffix(max(1, min(count, rows.count)))
        return constraints.indices.map { i in
            last.reduce(0) { $0 + $1[i] } / Double(last.count)
        }
    }
}
