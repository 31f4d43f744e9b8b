/// Whether the Karush–Kuhn–Tucker conditions hold over the window.
///
/// Judged are window averages (λ̄, v̄): averaging takes the noise out of v, and the window grows with the
/// run. Asked is, all relative, with s the violation scales:
/// 1. the residuals at (λ̄, v̄) are at most the tolerance, and at most a tenth of it where the noise lets one
///    see that far: unless they are within two standard errors of v̄. Without noise the last digits cost
///    little, and they decide between nearly alike models, whose multipliers hardly move the residuals.
///    Where λ̄ᵢ > 0 a standard error above three tolerances shows nothing, however small the residuals;
/// 2. λ has come to rest: its drift over the window, times s, is at most 5 tolerances of the largest λ̄ᵢsᵢ
///    (of 1 on the simplex);
/// 3. v has come to rest: its drift is at most 5 tolerances of max(sᵢ, |v̄ᵢ|). Without this a primal that
///    still follows while λ stands at a bound would pass for converged.
struct ConvergenceTest: Sendable {
    let tolerance: Double
    let domain: MultiplierDomain
    let scale: ViolationScale

    private static let driftAllowance = 5.0
    private static let strictShare = 0.1
    private static let noiseAllowance = 3.0

    /// - Parameters:
    ///   - window: rows λ‖v.
    ///   - peaks: largest |vᵢ| of the run.
    func isMet(window: TailAverage, peaks: [Double]) -> Bool {
        guard window.isFull else { return false }
        let count = peaks.count
        let (multipliers, violations) = (Array(window.mean.prefix(count)), Array(window.mean.suffix(count)))
        let scales = scale.scales(violations: violations, peaks: peaks)
        let residual = KKTResiduals(
            multipliers: multipliers, violations: violations, scales: scales, domain: domain
        ).largest
        let errors = zip(window.standardError.suffix(count), scales).map { $0 / $1 }
        let hidden = zip(errors, multipliers).reduce(0) { $1.1 > 0 ? max($0, $1.0) : $0 }
        guard residual <= tolerance, hidden <= Self.noiseAllowance * tolerance,
            residual <= max(Self.strictShare * tolerance, 2 * (errors.max() ?? 0))
        else { return false }
        return isAtRest(multipliers, violations, drift: window.drift, scales)
    }

    private func isAtRest(
        _ multipliers: [Double], _ violations: [Double], drift: [Double], _ scales: [Double]
    ) -> Bool {
        let allowed = Self.driftAllowance * tolerance
        let weights = domain == .simplex ? scales.map { _ in 1 } : scales
        let size = domain == .simplex ? 1 : largestMagnitude(multiply(multipliers, weights))
        return multipliers.indices.allSatisfy { i in
            abs(drift[i]) * weights[i] <= allowed * size
                && abs(drift[multipliers.count + i]) <= allowed * max(scales[i], abs(violations[i]))
        }
    }
}
