import ConstrainedLearning
import XCTest

/// Two or three updates of every rule, worked out by hand, and its saved state.
final class DualRuleTests: XCTestCase {
    /// The multipliers after each of the violations.
    private func path(
        _ rule: some DualRule, from start: [Double], _ violations: [[Double]]
    ) -> [[Double]] {
        var rule = rule
        var multipliers = start
        return violations.map {
            multipliers = rule.update(multipliers, violations: $0, curvature: nil)
            return multipliers
        }
    }

    func testProjectedAscent() {
        let rule = ProjectedAscent(domain: .nonnegative, step: 0.5, decay: 0.5)
        // 1 + 0.5·2, [1 − 0.5·4]₊; 2 − 0.25·4, 0 + 0.25·8.
        let path = path(rule, from: [1, 1], [[2, -4], [-4, 8]])
        assertClose(path[0], [2, 0])
        assertClose(path[1], [1, 2])
    }

    func testProjectedAscentOnTheSimplex() {
        let rule = ProjectedAscent(domain: .simplex, step: 1, decay: 0.9)
        // (0.5 + 0.6, 0.5 + 0.2) projected: both less 0.4. Then (0.7 + 0, 0.3 + 0.9·1) less 0.45.
        let path = path(rule, from: [0.5, 0.5], [[0.6, 0.2], [0, 1]])
        assertClose(path[0], [0.7, 0.3], absolute: 1e-15)
        assertClose(path[1], [0.25, 0.75], absolute: 1e-15)
    }

    func testSmoothedAscent() {
        let rule = SmoothedAscent(domain: .nonnegative, step: 2, smoothing: 0.75)
        // ξ: 0.25·4 = 1, 0.75·1 + 0.25·(−8) = −1.25.
        let path = path(rule, from: [1], [[4], [-8]])
        assertClose(path[0], [3])
        assertClose(path[1], [0.5])
    }

    func testNuPI() {
        let rule = NuPI(
            domain: .nonnegative, integralGain: 0.5, proportionalGain: 2, smoothing: 0.5, warmup: 2)
        // k = 0: gain ½, ξ₀ = 0: 1 + ½·(0.5·2). k = 1: gain 1, ξ₁ = 0.5·4 = 2: 1.5 + 0.5·4 + 2·2.
        // k = 2: ξ₂ = 1 − 3 = −2: 7.5 + 0.5·(−6) + 2·(−4), projected.
        let path = path(rule, from: [1], [[2], [4], [-6]])
        assertClose(path[0], [1.5])
        assertClose(path[1], [7.5])
        assertClose(path[2], [0])
    }

    func testNuPIStartedAtTheThresholds() {
        let rule = NuPI(
            domain: .nonnegative, integralGain: 0.5, proportionalGain: 2, smoothing: 0.5,
            initialSmoothed: [3])
        // 1 + 0.5·2 + 2·3; ξ₁ = 1.5 + 2 = 3.5: 8 + 0.5·4 + 2·0.5.
        let path = path(rule, from: [1], [[2], [4]])
        assertClose(path[0], [8])
        assertClose(path[1], [11])
    }

    func testNuPIWithoutProportionalGainIsProjectedAscent() {
        let violations = [[2.0, -1], [-3, 0.5], [0.1, 4]]
        let controller = NuPI(
            domain: .nonnegative, integralGain: 0.3, proportionalGain: 0, smoothing: 0.9)
        XCTAssertEqual(
            path(controller, from: [1, 1], violations),
            path(ProjectedAscent(domain: .nonnegative, step: 0.3), from: [1, 1], violations))
    }

    func testAdaptiveAscent() {
        // v = 1.4 − 0.4λ. First move: half of λ, the trust region's radius. There v = 0.8: the secant is 0.4,
        // the gain beyond what was promised, so the radius doubles; the Newton step 0.8/0.4 = 2 is cut to 1·λ
        // = 1.5.
        let path = path(AdaptiveAscent(domain: .nonnegative), from: [1], [[1], [0.8]])
        assertClose(path[0], [1.5], absolute: 1e-12)
        assertClose(path[1], [3], absolute: 1e-12)
    }

    func testAdaptiveAscentOnTheSimplex() {
        // v₁ − v₂ = 1.2 − 2(λ₁ − λ₂), optimum (0.8, 0.2). First move: radius ½ · 1/m = ¼. There v₁ − v₂ =
        // 0.2, and the secant is exact: the step is Newton's, 0.05.
        let path = path(
            AdaptiveAscent(domain: .simplex), from: [0.5, 0.5], [[1.2, 0], [0.2, 0]])
        assertClose(path[0], [0.75, 0.25], absolute: 1e-12)
        assertClose(path[1], [0.8, 0.2], absolute: 1e-6)
    }

    func testAdaptiveAscentTakesTheHint() {
        // v = 3 − Hλ with H known: λ* in the first step, as far as the trust region reaches.
        var rule = AdaptiveAscent(domain: .nonnegative)
        let hint = SquareMatrix(order: 2, values: [4, 1, 1, 2])
        let optimum = [1.2, 0.8]
        let next = rule.update(
            [1, 1], violations: zip(hint.times(optimum), hint.times([1, 1])).map { $0 - $1 }, curvature: hint)
        assertClose(next, optimum, absolute: 1e-12)
    }

    /// A hint that is not a number is no hint.
    func testAdaptiveAscentIgnoresABrokenHint() {
        var (plain, hinted) = (AdaptiveAscent(domain: .simplex), AdaptiveAscent(domain: .simplex))
        let broken = SquareMatrix(order: 2, values: [.nan, 0, 0, 1])
        XCTAssertEqual(
            plain.update([0.5, 0.5], violations: [1, 2], curvature: nil),
            hinted.update([0.5, 0.5], violations: [1, 2], curvature: broken))
    }

    func testStateRestoresEveryRuleAtEveryUpdate() throws {
        let rules: [any DualRule] = [
            ProjectedAscent(domain: .simplex, step: 0.3, decay: 0.9),
            SmoothedAscent(domain: .nonnegative, step: 0.2, smoothing: 0.6),
            NuPI(
                domain: .nonnegative, integralGain: 0.2, proportionalGain: 1, smoothing: 0.9, warmup: 3,
                initialSmoothed: [1, 2, 3]),
            AdaptiveAscent(domain: .nonnegative), AdaptiveAscent(domain: .simplex),
        ]
        for rule in rules {
            var noise = Noise(seed: 10)
            var original = rule
            var multipliers = rule.domain.uniform(count: 3)
            for update in 0..<40 {
                var copy = rule
                if update > 0 { try copy.restore(original.state) }
                let violations = noise.normals(3)
                let next = original.update(multipliers, violations: violations, curvature: nil)
                let same = copy.update(multipliers, violations: violations, curvature: nil)
                XCTAssertEqual(next, same, "\(type(of: rule)) update \(update)")
                XCTAssertEqual(original.state, copy.state, "\(type(of: rule)) update \(update)")
                multipliers = next
            }
        }
    }

    func testForeignStatesAreRefused() {
        var adaptive = AdaptiveAscent(domain: .simplex)
        let fresh = adaptive
        XCTAssertThrowsError(try adaptive.restore(["step": [1]])) {
            XCTAssertEqual($0 as? SavedStateError, .missing("recent"))
        }
        XCTAssertEqual(adaptive, fresh)
        var controller = NuPI(
            domain: .nonnegative, integralGain: 1, proportionalGain: 1, smoothing: 0.5)
        XCTAssertThrowsError(try controller.restore(["smoothed": [1], "updates": [0.5]])) {
            XCTAssertEqual($0 as? SavedStateError, .notACount("updates", got: 0.5))
        }
    }
}
