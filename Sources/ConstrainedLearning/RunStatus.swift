/// How a run ended.
///
/// The raw values are those of `summary.json`.
public enum RunStatus: String, Sendable, Codable, CaseIterable {
    /// The optimality conditions hold within the tolerance over the window.
    case converged
    /// The iterations asked for are done.
    case iterationLimit = "iteration_limit"
    /// The multipliers grow without bound while the violations stay: no model seems to meet the thresholds.
    case infeasible
    /// A violation or a multiplier is NaN or infinite.
    case nonFinite = "non_finite"
    /// The observer asked to stop.
    case interrupted
}
