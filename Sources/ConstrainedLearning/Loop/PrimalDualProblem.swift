/// The primal side of a constrained problem, as the loop sees it.
///
/// On many ranks every rank runs the same loop: the problem reduces its evaluation over the ranks before it
/// hands it over, so λ is the same everywhere. The loop itself never communicates.
public protocol PrimalDualProblem {
    /// One step of the model down the Lagrangian at fixed multipliers.
    mutating func primalStep(multipliers: [Double]) throws

    /// The violations of the present model.
    mutating func evaluate(multipliers: [Double]) throws -> PrimalEvaluation
}

/// What is known about the model after the primal steps of one iteration, over all ranks.
public struct PrimalEvaluation: Sendable, Equatable {
    /// vᵢ, positive where constraint i is broken.
    ///
    /// For a composition the divergences themselves.
    public var violations: [Double]
    /// The primal objective (alignment: the KL term of the Lagrangian), if measured.
    ///
    /// A composition's is its bound maxᵢ vᵢ, whatever stands here.
    public var objective: Double?
    /// An estimate of −∂v/∂λ, if the problem knows one.
    public var curvature: SquareMatrix?

    public init(violations: [Double], objective: Double? = nil, curvature: SquareMatrix? = nil) {
        self.violations = violations
        self.objective = objective
        self.curvature = curvature
    }
}
