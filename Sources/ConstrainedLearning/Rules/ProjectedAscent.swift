/// λₖ₊₁ = Π(λₖ + ηδᵏ vₖ), k = 0, 1, …, with Π the projection onto the domain.
///
/// On the orthant the dual step of Algorithm 1 (δ = 1), on the simplex that of Algorithms 2 and 3.
public struct ProjectedAscent: DualRule, Equatable {
    public let domain: MultiplierDomain
    /// η, in multiplier per violation.
    public let step: Double
    /// δ, the factor on the step after each update.
    public let decay: Double
    public private(set) var smoothedViolations: [Double] = []
    private var currentStep: Double

    public init(domain: MultiplierDomain, step: Double, decay: Double = 1) {
        precondition(
            step > 0 && decay > 0,
            "ProjectedAscent: got step \(step), decay \(decay), expected positive numbers")
        self.domain = domain
        self.step = step
        self.decay = decay
        currentStep = step
    }

    public mutating func update(
        _ multipliers: [Double], violations: [Double], curvature: SquareMatrix?
    ) -> [Double] {
        requireMatching(multipliers, violations)
        let next = zip(multipliers, violations).map { $0 + currentStep * $1 }
        currentStep *= decay
        smoothedViolations = violations
        return domain.projection(of: next)
    }

    public var state: [String: [Double]] { ["step": [currentStep], "smoothed": smoothedViolations] }

    public mutating func restore(_ state: [String: [Double]]) throws {
        let reader = StateReader(entries: state)
        let (step, smoothed) = (try reader.scalar("step"), try reader.vector("smoothed"))
        (currentStep, smoothedViolations) = (step, smoothed)
    }
}
