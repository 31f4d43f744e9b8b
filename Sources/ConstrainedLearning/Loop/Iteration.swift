/// One finished dual iteration, for tables, curves and checkpoints.
public struct Iteration: Sendable, Equatable {
    /// 1 for the first one of the run, resumed or not.
    public let index: Int
    /// λₖ, at which the primal steps were taken and the violations measured.
    public let multipliers: [Double]
    /// λₖ₊₁.
    public let nextMultipliers: [Double]
    public let violations: [Double]
    /// What the rule ascended on.
    public let smoothedViolations: [Double]
    /// Alignment: the measured objective, if any.
    ///
    /// Composition: maxᵢ vᵢ.
    public let objective: Double?
    /// The Lagrangian at (model, λₖ): alignment objective + λᵀv, composition λᵀv.
    ///
    /// It is the dual function's value where the model is the Lagrangian's minimiser.
    public let dualValue: Double?
    /// See ``DualFunction/gap(multipliers:violations:domain:)``.
    public let gap: Double

    init(
        index: Int, multipliers: [Double], next: [Double], evaluation: PrimalEvaluation, smoothed: [Double],
        domain: MultiplierDomain
    ) {
        self.index = index
        self.multipliers = multipliers
        nextMultipliers = next
        violations = evaluation.violations
        smoothedViolations = smoothed
        let pairing = DualFunction.pairing(multipliers, evaluation.violations)
        switch domain {
        case .nonnegative:
            objective = evaluation.objective
            dualValue = evaluation.objective.map { $0 + pairing }
        case .simplex:
            objective = evaluation.violations.reduce(-Double.infinity, max)
            dualValue = pairing
        }
        gap = DualFunction.gap(
            multipliers: multipliers, violations: evaluation.violations, domain: domain)
    }
}

/// What the observer of a run wants next.
public enum LoopDirective: Sendable {
    case proceed
    /// End the run as interrupted; it can be resumed from the state that came with the iteration.
    case stop
}
