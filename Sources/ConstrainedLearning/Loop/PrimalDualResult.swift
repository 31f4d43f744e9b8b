/// The outcome of a run.
public struct PrimalDualResult: Sendable, Equatable {
    public let status: RunStatus
    /// For `infeasible` and `nonFinite`: what happened, to which constraint.
    public let explanation: String?
    /// Dual iterations done, those before a resume included.
    public let iterations: Int
    /// Tail average of λ: the answer.
    public let multipliers: [Double]
    /// λ after the last dual step.
    public let lastMultipliers: [Double]
    /// Tail average of the violations; empty if there was no iteration.
    public let violations: [Double]

    public init(
        status: RunStatus, explanation: String? = nil, iterations: Int, multipliers: [Double],
        lastMultipliers: [Double], violations: [Double]
    ) {
        (self.status, self.explanation, self.iterations) = (status, explanation, iterations)
        (self.multipliers, self.lastMultipliers) = (multipliers, lastMultipliers)
        self.violations = violations
    }
}
