import ConstrainedLearning
import XCTest

final class KKTResidualsTests: XCTestCase {
    func testOrthant() {
        let residuals = KKTResiduals(
            multipliers: [2, 0, 1], violations: [0.1, -3, -0.5], scales: [1, 3, 2], domain: .nonnegative)
        XCTAssertEqual(residuals.feasibility, 0.1, accuracy: 1e-15)
        // max(2·0.1, 0, 1·0.5) / (2·1 + 0·3 + 1·2)
        XCTAssertEqual(residuals.complementarity, 0.125, accuracy: 1e-15)
        XCTAssertEqual(residuals.largest, 0.125, accuracy: 1e-15)
    }

    func testOptimumHasNoResidual() {
        let orthant = KKTResiduals(
            multipliers: [0, 4], violations: [-1, 0], scales: [1, 1], domain: .nonnegative)
        XCTAssertEqual(orthant.largest, 0)
        let inactive = KKTResiduals(
            multipliers: [0, 0], violations: [-1, -2], scales: [1, 1], domain: .nonnegative)
        XCTAssertEqual(inactive.largest, 0)
        let simplex = KKTResiduals(
            multipliers: [0.5, 0.5, 0], violations: [2, 2, 1], scales: [2, 2, 2], domain: .simplex)
        XCTAssertEqual(simplex.largest, 0)
    }

    func testSimplexResidualIsTheRelativeGap() {
        let (multipliers, violations) = ([0.25, 0.75], [4.0, 2.0])
        let residuals = KKTResiduals(
            multipliers: multipliers, violations: violations, scales: [4, 4], domain: .simplex)
        XCTAssertEqual(residuals.largest, 1.5 / 4, accuracy: 1e-15)
        XCTAssertEqual(
            DualFunction.gap(multipliers: multipliers, violations: violations, domain: .simplex), 1.5)
        XCTAssertEqual(
            DualFunction.gap(multipliers: [2, 1], violations: [1, -3], domain: .nonnegative), 1)
    }

    /// The residuals do not depend on the units of the constraints.
    func testUnits() {
        let scale = [1e-3, 1e4]
        let plain = KKTResiduals(
            multipliers: [2, 3], violations: [0.2, -0.1], scales: [1, 2], domain: .nonnegative)
        let other = KKTResiduals(
            multipliers: zip([2, 3], scale).map { $0 / $1 },
            violations: zip([0.2, -0.1], scale).map { $0 * $1 },
            scales: zip([1, 2], scale).map { $0 * $1 }, domain: .nonnegative)
        assertClose(
            [other.feasibility, other.complementarity], [plain.feasibility, plain.complementarity],
            relative: 1e-14)
    }

    func testScales() {
        let scale = ViolationScale(
            constraints: [
                Constraint(name: "a", threshold: -2), Constraint(name: "b"), Constraint(name: "c", scale: 7),
            ], domain: .nonnegative)
        XCTAssertEqual(scale.scales(violations: [1, 1, 1], peaks: [9, 5, 9]), [2, 5, 7])
        let composition = ViolationScale(
            constraints: [Constraint(name: "a"), Constraint(name: "b", scale: 1)], domain: .simplex)
        XCTAssertEqual(composition.scales(violations: [-3, 2], peaks: [9, 9]), [3, 1])
    }
}
