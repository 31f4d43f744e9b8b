import Foundation
import TestSupport
import XCTest

/// Products of Gaussians with exact scores against their closed form (method §4).
final class ProductTests: CommandTestCase {
    private struct Case: Sendable {
        let name: String
        let factors: [Normal]
    }

    private static let wide = Normal([0.9, 0], [[0.30, 0.10], [0.10, 0.20]])
    private static let narrow = Normal([-0.4, 0.5], [[0.05, 0], [0, 0.08]])

    private static let alike = [[-1, -0.3], [-1, 0.4], [1, 0]].map { Normal($0, variance: 0.3) }

    private static let cases = [
        Case(name: "wide and narrow", factors: [wide, narrow]),
        Case(name: "the same × 30", factors: [wide.scaled(by: 30), narrow.scaled(by: 30)]),
        Case(name: "the same × 0.01", factors: [wide.scaled(by: 0.01), narrow.scaled(by: 0.01)]),
        Case(name: "far from the origin", factors: [wide.moved(by: 1000), narrow.moved(by: 1000)]),
        Case(name: "three of one shape", factors: alike),
        Case(
            name: "four, one without weight",
            factors: [[-1, 0], [1, 0], [0, 1.2], [0.1, 0.3]].map { Normal($0, variance: 0.25) }),
        Case(
            name: "three dimensions",
            factors: [
                Normal([0, 0, 1], [[0.5, 0.1, 0], [0.1, 0.4, -0.1], [0, -0.1, 0.6]]),
                Normal([1, 0, 0], [[0.2, 0, 0.05], [0, 0.7, 0], [0.05, 0, 0.3]]),
                Normal([-0.5, 1, 0.2], variance: 0.4),
            ]),
        Case(
            name: "eight dimensions",
            factors: (0..<3).map { model in
                var normal = Normal((0..<8).map { Double(($0 * 5 + model * 3) % 7) * 0.2 - 0.6 }, variance: 1)
                normal.covariance = .diagonal((0..<8).map { 0.2 + 0.1 * Double(($0 + model) % 4) })
                return normal
            }),
    ]

    func testMultipliersAndBoundOfTheClosedForm() throws {
        let runs = try twoAtATime(Array(Self.cases.enumerated())) { [workspace] index, test in
            try workspace.finish(Self.problem(test.factors), output: "run-\(index)").summary()
        }
        for (test, summary) in zip(Self.cases, runs) {
            let optimum = ProductOptimum(of: test.factors)
            assertMultipliers(summary.multipliers, optimum.multipliers, test.name)
            assertClose([summary.bound ?? .nan], [optimum.bound], relative: 0.02, test.name)
            assertClose([summary.objective], [optimum.bound], relative: 0.02, test.name)
            XCTAssertEqual(summary.status, "converged", test.name)
            XCTAssertEqual(summary.kind, "product", test.name)
        }
    }

    /// The figures that `method.md` and the paper give, so that the reference above is checked too.
    func testKnownOptima() {
        let two = ProductOptimum(of: [Self.wide, Self.narrow])
        assertClose(two.multipliers, [0.635, 0.365], absolute: 5e-4)
        assertClose([two.bound], [2.33], absolute: 5e-3)
        // The circle around (−1, −0.3), (−1, 0.4), (1, 0) is centred at (−0.03, 0.05).
        let three = ProductOptimum(of: Self.alike)
        assertClose(three.product.mean, [-0.03, 0.05], absolute: 1e-3)
    }

    /// Nothing but what a configuration must say, so defaults are what is tested.
    private static func problem(_ factors: [Normal]) -> Problem {
        Problem(
            kind: "product", dimension: factors[0].mean.count,
            models: factors.enumerated().map { $1.model("q\($0)") })
    }
}

/// |λ − λ*| ≤ share · max(1, ‖λ*‖∞).
func assertMultipliers(
    _ actual: [Double], _ expected: [Double], within share: Double = 0.02, _ message: String = "",
    file: StaticString = #filePath, line: UInt = #line
) {
    let scale = max(1, expected.map(abs).max() ?? 0)
    assertClose(actual, expected, absolute: share * scale, message, file: file, line: line)
}
