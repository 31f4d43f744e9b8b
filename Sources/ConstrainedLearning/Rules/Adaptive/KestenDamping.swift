/// θ = 1/(1 + ½[K−2]₊), where K counts reversals of the step less half the steps that went on (Kesten 1958).
///
/// Far from the optimum steps agree and θ stays 1; where noise or overshoot decides their direction they
/// reverse half the time and θ falls like 1/k, as the Robbins–Monro conditions want, down to a floor from
/// which the tail average takes over.
struct KestenDamping: Sendable, Equatable {
    /// K.
    private(set) var reversals = 0.0

    private static let free = 2.0
    private static let floor = 0.1

    var factor: Double { 1 / (1 + 0.5 * max(reversals - Self.free, 0)) }

    mutating func observe(reversed: Bool) {
        let largest = Self.free + 2 * (1 / Self.floor - 1)
        reversals = min(reversed ? reversals + 1 : max(reversals - 0.5, 0), largest)
    }

    var state: [Double] { [reversals] }

    init() {}

    init(state: [Double]) { reversals = state[0] }
}
