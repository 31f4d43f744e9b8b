/// Values of the Lagrangian dual at (λ, v), where v are the violations of the Lagrangian's minimiser at λ.
public enum DualFunction {
    /// λᵀv, summed in index order.
    public static func pairing(_ multipliers: [Double], _ violations: [Double]) -> Double {
        precondition(
            multipliers.count == violations.count,
            "DualFunction: got \(multipliers.count) multipliers and \(violations.count) violations")
        var sum = 0.0
        for (multiplier, violation) in zip(multipliers, violations) { sum += multiplier * violation }
        return sum
    }

    /// Upper value less lower value.
    ///
    /// On the simplex maxᵢ vᵢ − λᵀv ≥ 0, the distance between the bound that the model attains and the dual
    /// value. On the orthant objective − (objective + λᵀv) = −λᵀv, negative while the model is infeasible.
    public static func gap(
        multipliers: [Double], violations: [Double], domain: MultiplierDomain
    ) -> Double {
        let dual = pairing(multipliers, violations)
        switch domain {
        case .nonnegative: return -dual
        case .simplex: return violations.reduce(-Double.infinity, max) - dual
        }
    }
}
