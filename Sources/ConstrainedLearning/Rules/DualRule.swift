/// A dual step: λ and the violations measured at it in, the next λ out.
///
/// Every rule ascends on v. A rule is a value, and its `state` is complete: a rule that is given the state of
/// another one of the same settings continues exactly as that one would.
public protocol DualRule: Sendable {
    var domain: MultiplierDomain { get }

    /// What the latest update ascended on: the violations themselves, or smoothed as the rule does it. Empty
    /// before the first update.
    var smoothedViolations: [Double] { get }

    /// The next multipliers.
    /// - Parameters:
    ///   - multipliers: λ of this iteration, in the domain.
    ///   - violations: v(λ), finite, positive where broken.
    ///   - curvature: an estimate of −∂v/∂λ where the problem knows one, for instance the covariance of the
    ///     rewards over the KL coefficient; rules without use for it ignore it.
    mutating func update(_ multipliers: [Double], violations: [Double], curvature: SquareMatrix?) -> [Double]

    /// Everything that later updates depend on, by name.
    var state: [String: [Double]] { get }

    /// Puts back what `state` gave; throws ``SavedStateError`` and changes nothing if it does not fit.
    mutating func restore(_ state: [String: [Double]]) throws
}

extension DualRule {
    /// Zipping vectors of different lengths would drop constraints silently.
    func requireMatching(_ multipliers: [Double], _ violations: [Double]) {
        precondition(
            multipliers.count == violations.count && !multipliers.isEmpty,
            "\(Self.self).update: got \(multipliers.count) multipliers and \(violations.count) violations, "
                + "expected as many, at least one")
    }
}
