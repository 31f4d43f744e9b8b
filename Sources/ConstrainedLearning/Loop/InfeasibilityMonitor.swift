/// Suspects that no model meets the thresholds: the dual function grows without bound along the multipliers.
///
/// If some mixture of violations λ̂ᵀv stays positive for every model, no model is feasible (Farkas' lemma),
/// and λ runs off along λ̂. Watched is the weighted violation ρ = λᵀv/λᵀs together with the size λᵀs.
/// Whenever ρ has fallen to a tenth, or to 0, the size of that moment is marked; a size beyond `growth` times
/// the mark means that even so large a price has not bought a tenth. A feasible problem that needs large
/// multipliers passes: ρ reaches a tenth at λ = 0.9 λ* where v is linear, and at every tenfold λ where v ∼
/// 1/λ. Rules with a fixed step grow λ too slowly to be caught; they end at the iteration limit.
package struct InfeasibilityMonitor: Sendable, Equatable, Codable {
    /// λᵀs and ρ at the mark.
    package private(set) var markedSize = 0.0
    package private(set) var markedRatio = 0.0
    package private(set) var size = 0.0

    package mutating func observe(multipliers: [Double], violations: [Double], scales: [Double]) {
        size = DualFunction.pairing(multipliers, scales)
        let ratio = size > 0 ? DualFunction.pairing(multipliers, violations) / size : 0
        if markedRatio <= 0 || ratio <= 0.1 * markedRatio {
            markedRatio = ratio
            // Never below an earlier mark: multipliers that were 0 for a while may come back.
            markedSize = max(markedSize, size)
        }
    }

    package func suspects(growth: Double) -> Bool { markedRatio > 0 && size > growth * markedSize }

    var state: [Double] { [markedSize, markedRatio, size] }

    package init() {}

    init(state: [Double]) { (markedSize, markedRatio, size) = (state[0], state[1], state[2]) }
}
