/// The size sᵢ that violations are compared with, so that tolerances mean the same in all units.
///
/// A constraint's own `scale` if it has one. Else, on the orthant, |threshold|, and for a threshold of 0 the
/// largest |violation| of the run so far; on the simplex, where violations are divergences against a common
/// bound, the largest |violation| at hand. Cross-entropies carry an arbitrary constant: give those a scale (1
/// nat).
public struct ViolationScale: Sendable {
    public let constraints: [Constraint]
    public let domain: MultiplierDomain

    public init(constraints: [Constraint], domain: MultiplierDomain) {
        self.constraints = constraints
        self.domain = domain
    }

    /// - Parameters:
    ///   - violations: those to be judged.
    ///   - peaks: largest |violation| of the run, per constraint.
    public func scales(violations: [Double], peaks: [Double]) -> [Double] {
        let largest = violations.reduce(0) { max($0, abs($1)) }
        return constraints.indices.map { i in
            if let scale = constraints[i].scale { return scale }
            switch domain {
            case .simplex: return largest
            case .nonnegative:
                let threshold = abs(constraints[i].threshold)
                return threshold > 0 ? threshold : peaks[i]
            }
        }
    }
}
