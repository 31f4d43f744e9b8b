/// Damped Newton ascent on the dual function with a curvature learned from the iterates; needs no step size.
///
/// The dual gradient is v(λ). With H ≈ −∂v/∂λ from past differences the next multipliers are λ + θz,
///
///     z = argmax_d vᵀd − ½dᵀHd  over the d that keep λ + d in the domain and in a trust region,
///
/// and all scales come from the problem: the rule is the same at divergences of 10⁻³ and 10⁵ nats and for
/// rewards in any units. `docs/dual-ascent.md` derives each part and says what was measured.
public struct AdaptiveAscent: DualRule, Equatable {
    public let domain: MultiplierDomain
    public internal(set) var smoothedViolations: [Double] = []

    var curvature = SecantCurvature(order: 0)
    var lag = LagEstimate()
    var region = TrustRegion()
    var damping = KestenDamping()
    /// Recent size of each multiplier: the larger of λᵢ and 0.9 of the value before.
    var recent: [Double] = []
    /// Below this a multiplier's recent size does not fall, however long it rests at 0.
    var smallest: [Double] = []
    /// Largest |vᵢ| met.
    var largestViolations: [Double] = []
    /// The latest prediction errors Δv + HΔλ, whose median size measures the noise.
    var errors: [[Double]] = []
    /// The latest iteration and what was planned there.
    var last: Plan?
    /// Where the latest pair that was learned from ends; the next one starts there.
    var anchor: Sample?

    /// λ, v there, and v one iteration earlier.
    struct Sample: Sendable, Equatable {
        var multipliers: [Double]
        var violations: [Double]
        var earlier: [Double]?
    }

    /// A sample and the step decided on there.
    struct Plan: Sendable, Equatable {
        var sample: Sample
        /// The violations that the step was computed from.
        var settled: [Double]
        var curvature: SquareMatrix
        var step: [Double]
        var atBoundary: Bool
        /// The step's largest component in units of the trust region at radius 1.
        var relativeStep: Double
    }

    public init(domain: MultiplierDomain) { self.domain = domain }

    public mutating func update(
        _ multipliers: [Double], violations: [Double], curvature hint: SquareMatrix?
    ) -> [Double] {
        requireMatching(multipliers, violations)
        let gradient = domain == .simplex ? centered(violations) : violations
        noteSizes(multipliers, gradient)
        if last == nil && largestMagnitude(gradient) == 0 {
            smoothedViolations = violations
            return multipliers
        }
        let hint = usable(hint)
        let units = naturalUnits(hint)
        if let last { learn(from: last, to: multipliers, gradient, units) }
        let settled = last.map { lag.settled(gradient, before: $0.sample.violations) } ?? gradient
        let plan = plan(multipliers, gradient, settled, units, hint)
        if let last { damping.observe(reversed: plan.curvature.form(plan.step, last.step) < 0) }
        let factor = damping.factor
        self.last = plan
        self.last?.relativeStep *= factor
        anchor = anchor ?? plan.sample
        // With the common part, which the simplex has no use for, back in its place.
        smoothedViolations = settled.indices.map { settled[$0] + (violations[$0] - gradient[$0]) }
        return landed(zip(multipliers, plan.step).map { max($0 + factor * $1, 0) })
    }

    /// z and everything that it was computed from.
    private func plan(
        _ multipliers: [Double], _ gradient: [Double], _ settled: [Double], _ units: [Double],
        _ hint: SquareMatrix?
    ) -> Plan {
        let inverseUnits = units.map { 1 / $0 }
        let scaledCurvature = curvatureModel(settled, units, hint)
        let box = region.box(multipliers: multipliers, recent: recent, domain: domain)
        let program = BoxQuadraticProgram(
            gradient: multiply(settled, units), curvature: scaledCurvature,
            lower: multiply(box.lower, inverseUnits), upper: multiply(box.upper, inverseUnits),
            keepsSum: domain == .simplex)
        let step = multiply(program.maximizer(), units)
        let held = step.indices.contains {
            let nearly = 1 - 1e-6
            return box.lower[$0] < 0 && step[$0] <= nearly * box.lower[$0]
                || box.upper[$0] > 0 && step[$0] >= nearly * box.upper[$0]
        }
        return Plan(
            sample: Sample(
                multipliers: multipliers, violations: gradient, earlier: last?.sample.violations),
            settled: settled, curvature: scaledCurvature.scaled(rows: inverseUnits, columns: inverseUnits),
            step: step, atBoundary: held, relativeStep: largestMagnitude(zip(step, box.size).map { $0 / $1 }))
    }

    /// Rounding must not carry λ off the simplex.
    private func landed(_ multipliers: [Double]) -> [Double] {
        guard domain == .simplex else { return multipliers }
        let sum = multipliers.reduce(0, +)
        return multipliers.map { $0 / sum }
    }

    private mutating func noteSizes(_ multipliers: [Double], _ gradient: [Double]) {
        if recent.isEmpty {
            let count = multipliers.count
            curvature = SecantCurvature(order: count)
            largestViolations = [Double](repeating: 0, count: count)
            recent = multipliers.map { $0 > 0 ? $0 : 1 / Double(count) }
            smallest = recent.map { 1e-9 * $0 }
        }
        recent = multipliers.indices.map { max(multipliers[$0], 0.9 * recent[$0], smallest[$0]) }
        largestViolations = zip(largestViolations, gradient).map { max($0, abs($1)) }
    }
}

/// v less its mean: on the simplex a common part of all violations moves nothing.
private func centered(_ violations: [Double]) -> [Double] {
    let mean = violations.reduce(0, +) / Double(violations.count)
    return violations.map { $0 - mean }
}
