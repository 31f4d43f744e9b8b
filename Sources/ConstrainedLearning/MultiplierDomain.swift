/// The set that the multipliers live in.
public enum MultiplierDomain: String, Sendable, Codable, CaseIterable {
    /// λ ≥ 0: constraints against fixed thresholds (alignment).
    case nonnegative
    /// λ ≥ 0, Σλ = 1: constraints against a common bound that is itself minimised (product, mixture).
    case simplex

    /// The nearest point of the set in the Euclidean norm.
    public func projection(of point: [Double]) -> [Double] {
        switch self {
        case .nonnegative: point.map { max($0, 0) }
        case .simplex: projectionOntoSimplex(point)
        }
    }

    /// The customary start, λ = 1/m in every component.
    public func uniform(count: Int) -> [Double] {
        [Double](repeating: 1 / Double(count), count: count)
    }
}
