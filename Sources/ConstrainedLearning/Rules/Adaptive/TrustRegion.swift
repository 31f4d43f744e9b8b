/// A box about λ, relative to the size of each multiplier, within which the quadratic model is believed.
struct TrustRegion: Sendable, Equatable {
    /// Largest relative increase in one iteration.
    private(set) var radius = 0.5

    /// The radius 1.5 lets a multiplier grow 2.5-fold: from 1/m to 10⁴ in a dozen iterations.
    private static let bounds = (smallest: 0.05, largest: 1.5)

    /// - Parameters:
    ///   - agreement: gain in the dual function over the gain that the model promised.
    ///   - atBoundary: whether the box held the step back.
    ///   - relativeStep: the step's size in units of the box at radius 1.
    ///   - reversals: growth slows down where steps reverse.
    mutating func adapt(agreement: Double, atBoundary: Bool, relativeStep: Double, reversals: Double) {
        if agreement < 0.25 {
            radius = max(0.5 * min(radius, relativeStep), Self.bounds.smallest)
        } else if agreement > 0.7 && atBoundary {
            radius = min(radius * (1 + 1 / (1 + 0.5 * reversals)), Self.bounds.largest)
        }
    }

    /// Bounds on the step, and the size of each multiplier that they are relative to.
    ///
    /// Simplex: λᵢ shrinks at most five-fold, because a cross-entropy grows like −log λᵢ towards 0 and the
    /// quadratic model would jump there at once; a multiplier near 0 may come back as fast as one of ½·1/m
    /// moves. Orthant: a multiplier below 5 % of its recent size may become exactly 0, and come back from
    /// there.
    func box(
        multipliers: [Double], recent: [Double], domain: MultiplierDomain
    ) -> (lower: [Double], upper: [Double], size: [Double]) {
        let count = Double(multipliers.count)
        switch domain {
        case .simplex:
            let size = multipliers.map { max($0, 0.5 / count) }
            return (
                zip(size, multipliers).map { -min(radius * $0, 0.8 * $1) },
                zip(size, multipliers).map { min(radius * $0, 1 - $1) }, size
            )
        case .nonnegative:
            let small = recent.map { 0.05 * $0 }
            let size = zip(multipliers, small).map { max($0, $1) }
            let lower = multipliers.indices.map {
                let down = multipliers[$0] > small[$0] ? radius / (1 + radius) * size[$0] : multipliers[$0]
                return -min(down, multipliers[$0])
            }
            return (lower, size.map { radius * $0 }, size)
        }
    }

    var state: [Double] { [radius] }

    init() {}

    init(state: [Double]) { radius = state[0] }
}
