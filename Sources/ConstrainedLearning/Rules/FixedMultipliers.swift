/// λₖ₊₁ = λₖ: weights set by hand, what constrained learning is compared with.
public struct FixedMultipliers: DualRule, Equatable {
    public let domain: MultiplierDomain
    public private(set) var smoothedViolations: [Double] = []

    public init(domain: MultiplierDomain) { self.domain = domain }

    public mutating func update(
        _ multipliers: [Double], violations: [Double], curvature: SquareMatrix?
    ) -> [Double] {
        requireMatching(multipliers, violations)
        smoothedViolations = violations
        return multipliers
    }

    public var state: [String: [Double]] { ["smoothed": smoothedViolations] }

    public mutating func restore(_ state: [String: [Double]]) throws {
        smoothedViolations = try StateReader(entries: state).vector("smoothed")
    }
}
