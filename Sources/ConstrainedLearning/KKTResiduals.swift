/// How far (λ, v) is from the Karush–Kuhn–Tucker conditions, relative to the violation scales sᵢ.
///
/// Stationarity is the primal step's task; λ is in its domain by construction. What is left:
/// - orthant: vᵢ ≤ 0 and λᵢvᵢ = 0;
/// - simplex: with u = max v every vᵢ ≤ u holds, and Σ λᵢ(u − vᵢ) = 0, the duality gap.
public struct KKTResiduals: Sendable, Equatable {
    /// maxᵢ [vᵢ]₊ / sᵢ; 0 on the simplex.
    public let feasibility: Double
    /// Orthant: maxᵢ λᵢ|vᵢ| / Σλⱼsⱼ.
    ///
    /// Simplex: gap / max s.
    public let complementarity: Double

    public var largest: Double { max(feasibility, complementarity) }

    public init(
        multipliers: [Double], violations: [Double], scales: [Double], domain: MultiplierDomain
    ) {
        switch domain {
        case .simplex:
            let gap = DualFunction.gap(multipliers: multipliers, violations: violations, domain: domain)
            feasibility = 0
            complementarity = Self.ratio(gap, scales.reduce(0, max))
        case .nonnegative:
            var worst = 0.0
            var product = 0.0
            for i in violations.indices {
                worst = max(worst, Self.ratio(max(violations[i], 0), scales[i]))
                product = max(product, multipliers[i] * abs(violations[i]))
            }
            feasibility = worst
            complementarity = Self.ratio(product, DualFunction.pairing(multipliers, scales))
        }
    }

    /// 0/0 counts as 0: no violation at all is no residual, whatever the scale.
    private static func ratio(_ size: Double, _ scale: Double) -> Double {
        size == 0 ? 0 : size / scale
    }
}
