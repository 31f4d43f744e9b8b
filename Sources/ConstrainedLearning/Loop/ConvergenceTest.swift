/// Whether the Karush–Kuhn–Tucker conditions hold over the window.
///
/// Judged are window averages (λ̄, v̄): averaging takes the noise out of v, and the window grows with the
/// run. Three things are asked, all relative, with s the violation scales:
/// 1. the residuals at (λ̄, v̄) are at most the tolerance;
/// 2. λ has come to rest: its drift over the window, times s, is at most 5 tolerances of the largest λ̄ᵢsᵢ
///    (of 1 on the simplex);
/// 3. v has come to rest: its drift is at most 5 tolerances of max(sᵢ, |v̄ᵢ|). Without this a primal that
///    still follows while λ stands at a bound would pass for converged.
struct ConvergenceTest: Sendable {
    let tolerance: Double
    let domain: MultiplierDomain

    private static let driftAllowance = 5.0

    func isMet(window: (multipliers: [Double], violations: [Double], drift: [Double]), scales: [Double])
        -> Bool
    {
        let (multipliers, violations, drift) = window
        let residuals = KKTResiduals(
            multipliers: multipliers, violations: violations, scales: scales, domain: domain)
        guard residuals.largest <= tolerance else { return false }
        let allowed = Self.driftAllowance * tolerance
        let weights = domain == .simplex ? scales.map { _ in 1 } : scales
        let size = domain == .simplex ? 1 : largestMagnitude(multiply(multipliers, weights))
        return multipliers.indices.allSatisfy { i in
            abs(drift[i]) * weights[i] <= allowed * size
                && abs(drift[multipliers.count + i]) <= allowed * max(scales[i], abs(violations[i]))
        }
    }
}
