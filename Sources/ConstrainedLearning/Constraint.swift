/// One requirement on the model, as far as the dual problem needs to know it.
///
/// A violation is positive where the requirement is broken: `threshold − reward` for a lower level,
/// `divergence − bound` for an upper one.
public struct Constraint: Sendable, Hashable, Codable {
    public let name: String
    /// The level asked for, in the units of the measured quantity; 0 where there is none (a divergence that
    /// is compared with the common bound of a composition).
    public let threshold: Double
    /// Size of a violation that counts as one, in the same units; residuals are relative to it.
    ///
    /// Without a value it is taken from the problem: see ``ViolationScale``.
    public let scale: Double?

    public init(name: String, threshold: Double = 0, scale: Double? = nil) {
        precondition(
            scale.map { $0 > 0 && $0.isFinite } ?? true,
            "Constraint \(name): got scale \(scale ?? 0), expected a positive number")
        self.name = name
        self.threshold = threshold
        self.scale = scale
    }
}
