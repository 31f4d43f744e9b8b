extension AdaptiveAscent {
    /// Prior weights in the curvature fit: next to none without a hint, about a quarter of the secants' with
    /// one.
    private static let priorRidge = (secantsOnly: 1e-5, hint: 1.0)
    /// Largest ratio of eigenvalues that steps rely on.
    private static let condition = 1e6
    /// A pair whose predicted response is below this multiple of the noise teaches nothing once steps
    /// reverse.
    private static let significance = 2.0
    /// Moves below this share of a multiplier's size are at the resolution of the violations.
    private static let resolution = 1e-7
    private static let errorMemory = 5

    /// The problem's curvature hint, if it is fit for use; on the simplex only its part along Σ = 0 counts.
    func usable(_ hint: SquareMatrix?) -> SquareMatrix? {
        guard let hint, hint.isFinite else { return nil }
        precondition(
            hint.order == recent.count,
            "AdaptiveAscent: got a curvature of order \(hint.order), expected \(recent.count)")
        let restricted = domain == .simplex ? hint.centered : hint
        return restricted.trace > 0 ? restricted : nil
    }

    /// Units in which the multipliers of differently scaled constraints are comparable.
    ///
    /// On the orthant 1/√Hᵢᵢ, one standard deviation's worth, from the hint, else 1/max|vᵢ|. On the simplex
    /// all multipliers have one unit already.
    func naturalUnits(_ hint: SquareMatrix?) -> [Double] {
        guard domain == .nonnegative else { return recent.map { _ in 1 } }
        let sizes = hint?.diagonal.map { max($0, 0).squareRoot() } ?? largestViolations
        let smallest = max(1e-6 * largestMagnitude(sizes), .leastNormalMagnitude)
        return sizes.map { 1 / max($0, smallest) }
    }

    /// H in natural units: the fit to the pairs, made positive definite.
    func curvatureModel(_ settled: [Double], _ units: [Double], _ hint: SquareMatrix?) -> SquareMatrix {
        let gradient = multiply(settled, units)
        let sizes = zip(recent, units).map { $0 / $1 }
        // A flat dual function has no curvature to learn; below this one the trust region decides alone.
        let flat = max(
            largestMagnitude(gradient) / (1e3 * largestMagnitude(sizes)), .leastNormalMagnitude * 1e12)
        let eigen = SymmetricEigen(fit(gradient, sizes, flat, units, hint))
        // A negative eigenvalue of a concave function's curvature is an error: only its size is believed.
        let largest = max(largestMagnitude(eigen.values), flat)
        return eigen.rebuilt { max(abs($0), largest / Self.condition) }
    }

    private func fit(
        _ gradient: [Double], _ sizes: [Double], _ flat: Double, _ units: [Double], _ hint: SquareMatrix?
    ) -> SquareMatrix {
        let prior = hint?.scaled(rows: units, columns: units)
        guard !curvature.isEmpty else { return prior ?? firstGuess(gradient, sizes) }
        let secant = max(curvature.meanCurvature(units: units, lag: lag.fraction), flat)
        return curvature.estimate(
            units: units, lag: lag.fraction,
            prior: prior ?? SquareMatrix(diagonal: units.map { _ in secant }),
            ridge: prior == nil ? Self.priorRidge.secantsOnly : Self.priorRidge.hint)
    }

    /// Before anything is known: the curvature at which the Newton step is a modest move, to the trust
    /// region's boundary for every multiplier (orthant) or for the one that moves most (simplex).
    private func firstGuess(_ gradient: [Double], _ sizes: [Double]) -> SquareMatrix {
        let largest = largestMagnitude(gradient)
        switch domain {
        case .simplex:
            let curvature = largest * Double(gradient.count) / region.radius
            return SquareMatrix(diagonal: gradient.map { _ in curvature })
        case .nonnegative:
            return SquareMatrix(
                diagonal: zip(gradient, sizes).map { max(abs($0), 1e-3 * largest) / (region.radius * $1) })
        }
    }

    /// Draws the lessons of the step from `last` to here: lag, trust, noise, and a new pair.
    mutating func learn(
        from last: Plan, to multipliers: [Double], _ gradient: [Double], _ units: [Double]
    ) {
        let move = subtract(multipliers, last.sample.multipliers)
        guard zip(move, recent).contains(where: { abs($0) > Self.resolution * $1 }) else {
            // λ rests: what changes here is not its doing, so the next pair must not start before.
            anchor = Sample(
                multipliers: multipliers, violations: gradient, earlier: last.sample.violations)
            return
        }
        let change = subtract(gradient, last.sample.violations)
        var response = change
        if let earlier = last.sample.earlier {
            let before = subtract(last.sample.violations, earlier)
            learnLag(move, change, before, units)
            response = lag.settled(change, before: before)
        }
        let predicted = last.curvature.times(move)
        judge(last, move, response, predicted)
        // The first plan's curvature is a guess; its error says nothing about the noise.
        if last.sample.earlier != nil {
            errors = (errors + [zip(response, predicted).map { $0 + $1 }]).suffix(Self.errorMemory)
        }
        learnPair(last, multipliers, gradient, units)
    }

    private mutating func learnLag(
        _ move: [Double], _ change: [Double], _ before: [Double], _ units: [Double]
    ) {
        guard !curvature.isEmpty else { return }
        let rest = curvature.unexplained(
            move: move, response: change, earlierResponse: before, units: units)
        lag.observe(
            change: multiply(rest.response, units), before: multiply(rest.earlier, units),
            size: max(squaredSize(change, units), squaredSize(before, units)))
    }

    /// Compares the gain ½(v + v′)ᵀΔλ with the gain vᵀΔλ − ½ΔλᵀHΔλ that the model promised.
    private mutating func judge(
        _ last: Plan, _ move: [Double], _ response: [Double], _ predicted: [Double]
    ) {
        let promised = dot(last.settled, move) - 0.5 * dot(predicted, move)
        let gained = dot(last.settled, move) + 0.5 * dot(response, move)
        region.adapt(
            agreement: promised > 0 ? gained / promised : 1, atBoundary: last.atBoundary,
            relativeStep: last.relativeStep, reversals: damping.reversals)
    }

    /// Learns from the pair that leads from the anchor to here, once the way is long enough.
    ///
    /// With noisy violations the step itself depends on the noise of the point that it starts from, and pairs
    /// of such steps overstate the curvature without bound. So once steps reverse, pairs are drawn over as
    /// many iterations as it takes for the predicted response to stand out of the noise.
    private mutating func learnPair(
        _ last: Plan, _ multipliers: [Double], _ gradient: [Double], _ units: [Double]
    ) {
        guard let anchor else { return }
        let move = subtract(multipliers, anchor.multipliers)
        let response = subtract(gradient, anchor.violations)
        let earlierResponse =
            anchor.earlier.map { subtract(last.sample.violations, $0) } ?? response.map { _ in 0 }
        let settled =
            anchor.earlier == nil ? response : lag.settled(response, before: earlierResponse)
        let noise = noise(units)
        let predicted = squaredSize(last.curvature.times(move), units)
        guard damping.factor == 1 || predicted >= Self.significance * noise else { return }
        let size = max(predicted, squaredSize(settled, units))
        curvature.learn(
            move: move, response: response, earlierResponse: earlierResponse,
            squaredLength: squaredSize(move, units.map { 1 / $0 }),
            signal: size > 0 ? size / (size + noise) : 1)
        self.anchor = Sample(
            multipliers: multipliers, violations: gradient, earlier: last.sample.violations)
    }

    /// Median of ½‖Δv + HΔλ‖² over the latest iterations: the variance of v, or the error of the model.
    private func noise(_ units: [Double]) -> Double {
        let sizes = errors.map { 0.5 * squaredSize($0, units) }.sorted()
        return sizes.isEmpty ? 0 : sizes[(sizes.count - 1) / 2]
    }

    private func squaredSize(_ vector: [Double], _ units: [Double]) -> Double {
        let scaled = multiply(vector, units)
        return dot(scaled, scaled)
    }
}
