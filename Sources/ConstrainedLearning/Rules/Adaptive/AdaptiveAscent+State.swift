extension AdaptiveAscent {
    public var state: [String: [Double]] {
        let pairs = curvature.state
        var state = [
            "smoothed": smoothedViolations, "recent": recent, "smallest": smallest,
            "largest": largestViolations,
            "errors": errors.flatMap { $0 }, "lag": lag.state, "radius": region.state,
            "reversals": damping.state, "moves": pairs[0], "responses": pairs[1],
            "earlier_responses": pairs[2],
        ]
        if let anchor { state.merge(anchor.state(prefix: "anchor_")) { $1 } }
        if let last {
            state.merge(last.sample.state(prefix: "last_")) { $1 }
            state["last_settled"] = last.settled
            state["last_curvature"] = last.curvature.values
            state["last_step"] = last.step
            state["last_extent"] = [last.atBoundary ? 1 : 0, last.relativeStep]
        }
        return state
    }

    public mutating func restore(_ state: [String: [Double]]) throws {
        let reader = StateReader(entries: state)
        var restored = AdaptiveAscent(domain: domain)
        let recent = try reader.vector("recent")
        let count = recent.count
        restored.recent = recent
        restored.smallest = try reader.vector("smallest", count: count)
        restored.smoothedViolations = try reader.vector("smoothed")
        restored.largestViolations = try reader.vector("largest", count: count)
        restored.lag = LagEstimate(state: try reader.vector("lag", count: 3))
        restored.region = TrustRegion(state: try reader.vector("radius", count: 1))
        restored.damping = KestenDamping(state: try reader.vector("reversals", count: 1))
        restored.curvature = SecantCurvature(
            moves: try reader.matrix("moves", order: count),
            responses: try reader.matrix("responses", order: count),
            earlierResponses: try reader.matrix("earlier_responses", order: count))
        restored.errors = try reader.rows("errors", length: count)
        restored.anchor = try Sample(reader, prefix: "anchor_", count: count)
        restored.last = try Plan(reader, count: count)
        self = restored
    }
}

extension AdaptiveAscent.Sample {
    func state(prefix: String) -> [String: [Double]] {
        [
            prefix + "multipliers": multipliers, prefix + "violations": violations,
            prefix + "earlier": earlier ?? [],
        ]
    }

    /// nil where the state has no such sample.
    init?(_ reader: StateReader, prefix: String, count: Int) throws {
        guard reader.entries[prefix + "multipliers"] != nil else { return nil }
        multipliers = try reader.vector(prefix + "multipliers", count: count)
        violations = try reader.vector(prefix + "violations", count: count)
        let earlier = try reader.vector(prefix + "earlier")
        self.earlier = earlier.isEmpty ? nil : try reader.vector(prefix + "earlier", count: count)
    }
}

extension AdaptiveAscent.Plan {
    /// nil where the state has no plan.
    init?(_ reader: StateReader, count: Int) throws {
        guard let sample = try AdaptiveAscent.Sample(reader, prefix: "last_", count: count) else {
            return nil
        }
        self.sample = sample
        settled = try reader.vector("last_settled", count: count)
        curvature = try reader.matrix("last_curvature", order: count)
        step = try reader.vector("last_step", count: count)
        let extent = try reader.vector("last_extent", count: 2)
        atBoundary = extent[0] != 0
        relativeStep = extent[1]
    }
}
