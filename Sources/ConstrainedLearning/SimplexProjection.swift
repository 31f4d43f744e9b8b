/// Euclidean projection onto {x ≥ 0, Σx = 1}: xᵢ = [yᵢ − τ]₊ with τ from the sorted partial sums.
///
/// Held, Wolfe and Crowder 1974; Duchi et al. 2008, Figure 1. Exact up to rounding, O(m log m).
/// - Parameter point: y, any finite numbers; at least one.
public func projectionOntoSimplex(_ point: [Double]) -> [Double] {
    precondition(!point.isEmpty, "projectionOntoSimplex: got no components, expected at least one")
    // Shifting by the largest component leaves the projection as it is (the shift goes into τ) and keeps
    // the 1 of Σx = 1 from being rounded away beside huge components.
    let largest = point.reduce(-Double.infinity, max)
    let shifted = point.map { $0 - largest }
    var partialSum = 0.0
    var threshold = -1.0
    for (index, value) in shifted.sorted(by: >).enumerated() {
        partialSum += value
        let candidate = (partialSum - 1) / Double(index + 1)
        if value > candidate { threshold = candidate } else { break }
    }
    return shifted.map { max($0 - threshold, 0) }
}
