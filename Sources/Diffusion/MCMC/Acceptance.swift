/// Proposals and how many of them were taken; counts of parts of a batch add up exactly.
public struct Acceptance: Sendable, Hashable, Codable {
    public var accepted: Int
    public var proposed: Int

    public init(accepted: Int = 0, proposed: Int = 0) {
        self.accepted = accepted
        self.proposed = proposed
    }

    /// nil where nothing was tested: an unadjusted sampler takes every proposal.
    public var rate: Double? { proposed == 0 ? nil : Double(accepted) / Double(proposed) }

    public static func + (a: Acceptance, b: Acceptance) -> Acceptance {
        Acceptance(accepted: a.accepted + b.accepted, proposed: a.proposed + b.proposed)
    }
}
