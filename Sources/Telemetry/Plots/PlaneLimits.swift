/// A square of the plane: the part that panels show.
public struct PlaneLimits: Sendable, Equatable {
    public let center: SIMD2<Double>
    /// Half of the side.
    public let halfSide: Double

    public init(center: SIMD2<Double>, halfSide: Double) {
        precondition(
            halfSide > 0 && halfSide.isFinite && center.x.isFinite && center.y.isFinite,
            "PlaneLimits: got center \(center), half side \(halfSide), "
                + "expected finite numbers and a positive side"
        )
        self.center = center
        self.halfSide = halfSide
    }

    /// The square around most of the points.
    /// - Parameters:
    ///   - trim: the share of points that may stay outside at each end of each coordinate, so that a few
    ///     strays do not shrink the rest to a dot.
    ///   - margin: what is added around, as a share of the half side.
    public init(enclosing points: some Sequence<SIMD2<Double>>, trim: Double = 0.001, margin: Double = 0.15) {
        let finite = points.filter { abs($0.x) < 1e100 && abs($0.y) < 1e100 }
        let x = Self.range(finite.map(\.x), trim: trim)
        let y = Self.range(finite.map(\.y), trim: trim)
        let half = max(x.upper - x.lower, y.upper - y.lower) / 2 * (1 + margin)
        let center = SIMD2((x.lower + x.upper) / 2, (y.lower + y.upper) / 2)
        self.init(
            center: center, halfSide: half > 1e-9 * max(abs(center.x), abs(center.y), 1e-100) ? half : 1)
    }

    var lower: SIMD2<Double> { center - halfSide }
    var upper: SIMD2<Double> { center + halfSide }

    private static func range(_ values: [Double], trim: Double) -> (lower: Double, upper: Double) {
        let sorted = values.sorted()
        guard let last = sorted.indices.last else { return (-1, 1) }
        let cut = Int(Double(last) * trim)
        return (sorted[cut], sorted[last - cut])
    }
}
