/// maximise gᵀd − ½ dᵀHd subject to l ≤ d ≤ u, l ≤ 0 ≤ u, and Σd = 0 if asked for.
///
/// H is positive definite, so the maximiser is unique; it is found exactly by a primal active-set method
/// (Nocedal and Wright, Algorithm 16.3), started at d = 0.
package struct BoxQuadraticProgram {
    let gradient: [Double]
    let curvature: SquareMatrix
    let lower: [Double]
    let upper: [Double]
    let keepsSum: Bool

    /// Where a component stands: at one of its bounds or between them.
    private enum Place { case free, atLower, atUpper }

    package init(
        gradient: [Double], curvature: SquareMatrix, lower: [Double], upper: [Double], keepsSum: Bool
    ) {
        self.gradient = gradient
        self.curvature = curvature
        self.lower = lower
        self.upper = upper
        self.keepsSum = keepsSum
    }

    package func maximizer() -> [Double] {
        var point = [Double](repeating: 0, count: gradient.count)
        var places = [Place](repeating: .free, count: gradient.count)
        // Each pass adds or drops a bound; strict concavity rules out returning to an earlier working set,
        // the limit only guards against cycling by rounding.
        for _ in 0..<(20 * gradient.count + 20) {
            let step = equalityStep(from: point, places)
            if let (fraction, component, place) = blockingBound(point, step, places) {
                for i in point.indices { point[i] += fraction * step[i] }
                point[component] = place == .atLower ? lower[component] : upper[component]
                places[component] = place
            } else {
                for i in point.indices { point[i] += step[i] }
                guard release(&places, at: point) else { break }
            }
        }
        return point
    }

    /// Newton step on the free components, along Σ = 0 if asked for: H_FF p = r_F − ν1.
    private func equalityStep(from point: [Double], _ places: [Place]) -> [Double] {
        let free = point.indices.filter { places[$0] == .free }
        var step = [Double](repeating: 0, count: point.count)
        guard !free.isEmpty else { return step }
        let residual = residual(at: point)
        var block = SquareMatrix(zerosOfOrder: free.count)
        for (a, i) in free.enumerated() {
            for (b, j) in free.enumerated() { block[a, b] = curvature[i, j] }
        }
        let factor = CholeskyFactor(block)
        var solution = factor.solve(free.map { residual[$0] })
        if keepsSum {
            let ones = factor.solve([Double](repeating: 1, count: free.count))
            let price = solution.reduce(0, +) / ones.reduce(0, +)
            for a in free.indices { solution[a] -= price * ones[a] }
        }
        for (a, i) in free.enumerated() { step[i] = solution[a] }
        return step
    }

    /// The first bound on the way, if one is met before the whole step.
    private func blockingBound(
        _ point: [Double], _ step: [Double], _ places: [Place]
    ) -> (fraction: Double, component: Int, place: Place)? {
        var blocking: (fraction: Double, component: Int, place: Place)?
        for i in point.indices where places[i] == .free && step[i] != 0 {
            let bound = step[i] < 0 ? lower[i] : upper[i]
            let fraction = (bound - point[i]) / step[i]
            if fraction < (blocking?.fraction ?? 1) {
                blocking = (fraction, i, step[i] < 0 ? .atLower : .atUpper)
            }
        }
        return blocking
    }

    /// Frees the component whose bound holds back the most; false when the point is optimal.
    private func release(_ places: inout [Place], at point: [Double]) -> Bool {
        let residual = residual(at: point)
        let tolerance = 1e-12 * largestMagnitude(gradient)
        let free = point.indices.filter { places[$0] == .free }
        let price =
            keepsSum && !free.isEmpty ? free.reduce(0) { $0 + residual[$1] } / Double(free.count) : 0
        if keepsSum && free.isEmpty { return releasePair(&places, residual, tolerance) }
        var most = tolerance
        var freed: Int?
        for i in point.indices where places[i] != .free && lower[i] < upper[i] {
            let pull = places[i] == .atLower ? residual[i] - price : price - residual[i]
            if pull > most { (most, freed) = (pull, i) }
        }
        guard let freed else { return false }
        places[freed] = .free
        return true
    }

    /// With all components at bounds and Σd fixed, only a pair can move.
    private func releasePair(_ places: inout [Place], _ residual: [Double], _ tolerance: Double) -> Bool {
        let movable = places.indices.filter { lower[$0] < upper[$0] }
        let rising = movable.filter { places[$0] == .atLower }.max { residual[$0] < residual[$1] }
        let falling = movable.filter { places[$0] == .atUpper }.min { residual[$0] < residual[$1] }
        guard let rising, let falling, residual[rising] - residual[falling] > tolerance else { return false }
        places[rising] = .free
        places[falling] = .free
        return true
    }

    /// g − Hd.
    private func residual(at point: [Double]) -> [Double] {
        zip(gradient, curvature.times(point)).map { $0 - $1 }
    }
}
