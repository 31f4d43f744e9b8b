/// ξₖ = νξₖ₋₁ + (1−ν)vₖ, λₖ₊₁ = Π(λₖ + ηξₖ), with ξ = 0 before the first update.
public struct SmoothedAscent: DualRule, Equatable {
    public let domain: MultiplierDomain
    /// η, in multiplier per violation.
    public let step: Double
    /// ν, 0 for no smoothing.
    public let smoothing: Double
    public private(set) var smoothedViolations: [Double] = []

    public init(domain: MultiplierDomain, step: Double, smoothing: Double) {
        precondition(
            step > 0 && smoothing >= 0 && smoothing < 1,
            "SmoothedAscent: got step \(step), smoothing \(smoothing), expected step > 0, 0 ≤ smoothing < 1")
        self.domain = domain
        self.step = step
        self.smoothing = smoothing
    }

    public mutating func update(
        _ multipliers: [Double], violations: [Double], curvature: SquareMatrix?
    ) -> [Double] {
        requireMatching(multipliers, violations)
        let before = smoothedViolations.isEmpty ? violations.map { _ in 0 } : smoothedViolations
        smoothedViolations = zip(before, violations).map { smoothing * $0 + (1 - smoothing) * $1 }
        return domain.projection(of: zip(multipliers, smoothedViolations).map { $0 + step * $1 })
    }

    public var state: [String: [Double]] { ["smoothed": smoothedViolations] }

    public mutating func restore(_ state: [String: [Double]]) throws {
        smoothedViolations = try StateReader(entries: state).vector("smoothed")
    }
}
