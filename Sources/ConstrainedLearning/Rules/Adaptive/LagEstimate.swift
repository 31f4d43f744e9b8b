/// How much of the previous iteration's response is still to come, from the violations alone.
///
/// A primal that goes the share 1−α of the way to its minimiser in each iteration answers with vₖ = α vₖ₋₁ +
/// (1−α) v(λₖ) where v is about linear, hence Δvₖ = α Δvₖ₋₁ − (1−α) H Δλₖ. α is the coefficient of Δvₖ₋₁ once
/// the part that Δλ explains is taken out of both sides (Frisch and Waugh 1933), a running quotient with a
/// ridge towards 0, so that noise (whose differences correlate negatively) reads as no lag.
struct LagEstimate: Sendable, Equatable {
    /// α.
    private(set) var fraction = 0.0
    private var covariance = 0.0
    private var variance = 0.0

    private static let memory = 0.8
    private static let ridge = 0.2
    /// (v − αv₋)/(1−α) amplifies noise by (1+α)/(1−α), nine here.
    private static let limit = 0.8

    /// - Parameters:
    ///   - change: what Δλ leaves unexplained of Δvₖ.
    ///   - before: what it leaves unexplained of Δvₖ₋₁.
    ///   - size: the larger of ‖Δvₖ‖² and ‖Δvₖ₋₁‖².
    mutating func observe(change: [Double], before: [Double], size: Double) {
        guard size > 0 else { return }
        covariance = Self.memory * covariance + dot(change, before) / size
        variance = Self.memory * variance + dot(before, before) / size
        fraction = min(max(covariance / (variance + Self.ridge), 0), Self.limit)
    }

    /// What the violations would be, had the primal settled: (now − α before)/(1−α).
    func settled(_ now: [Double], before: [Double]) -> [Double] {
        zip(now, before).map { ($0 - fraction * $1) / (1 - fraction) }
    }

    var state: [Double] { [fraction, covariance, variance] }

    init() {}

    init(state: [Double]) { (fraction, covariance, variance) = (state[0], state[1], state[2]) }
}
