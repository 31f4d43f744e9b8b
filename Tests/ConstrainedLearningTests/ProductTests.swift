import ConstrainedLearning
import Foundation
import XCTest

/// Products of Gaussians: the optimum is known in closed form (`docs/dual-ascent.md`).
final class ProductTests: XCTestCase {
    private func check(
        _ product: IsotropicProduct, _ what: String, file: StaticString = #filePath, line: UInt = #line
    ) throws {
        let count = product.means.count
        let optimum = try XCTUnwrap(product.optimum, what)
        var problem = AnalyticProblem(count: count) { product.divergences($0) }
        problem.start = MultiplierDomain.simplex.uniform(count: count)
        let result = try outcome(
            of:
                problem, constraints(count: count), rule: AdaptiveAscent(domain: .simplex))
        XCTAssertEqual(result.status, .converged, what, file: file, line: line)
        XCTAssertLessThan(result.iterations, 60, what, file: file, line: line)
        assertClose(result.multipliers, optimum.multipliers, absolute: 0.01, what, file: file, line: line)
        let bound = product.divergences(result.multipliers).reduce(0, max)
        assertClose([bound], [optimum.bound], relative: 2e-3, what, file: file, line: line)
    }

    func testScalesAndDimensions() throws {
        for count in [2, 3, 5] {
            for dimension in [2, 8] {
                for scale in [1e-3, 1, 1e5] {
                    var noise = Noise(seed: UInt64(100 * count + dimension))
                    // Divergences are about `scale` nats.
                    let means = (0..<count).map { _ in noise.normals(dimension) }
                    try check(
                        IsotropicProduct(means: means, variance: 1 / scale),
                        "\(count) models, \(dimension)-D, scale \(scale)")
                }
            }
        }
    }

    /// Two models a tenth of the others' distance apart pull equal weights towards them, not the optimum.
    func testNearlyAlikeModels() throws {
        for seed in 1...12 as ClosedRange<UInt64> {
            for dimension in [2, 8] {
                var noise = Noise(seed: seed)
                var means = (0..<3).map { _ in noise.normals(dimension) }
                means[1] = zip(means[0], noise.normals(dimension)).map { $0 + 0.1 * $1 }
                for scale in [1e-3, 1e5] {
                    try check(
                        IsotropicProduct(means: means, variance: 1 / scale),
                        "alike, seed \(seed), \(dimension)-D, scale \(scale)")
                }
            }
        }
    }

    /// 2-D Gaussians with any covariances: S⁻¹ = ΣλᵢSᵢ⁻¹, m = SΣλᵢSᵢ⁻¹mᵢ.
    private struct Planar {
        let mean: [Double]
        /// a, b, c of [[a, b], [b, c]].
        let covariance: [Double]

        var determinant: Double { covariance[0] * covariance[2] - covariance[1] * covariance[1] }
        var precision: [Double] {
            [covariance[2], -covariance[1], covariance[0]].map { $0 / determinant }
        }

        static func times(_ matrix: [Double], _ x: [Double]) -> [Double] {
            [matrix[0] * x[0] + matrix[1] * x[1], matrix[1] * x[0] + matrix[2] * x[1]]
        }

        static func product(_ models: [Planar], _ multipliers: [Double]) -> Planar {
            var precision = [0.0, 0, 0]
            var pull = [0.0, 0]
            for (model, weight) in zip(models, multipliers) {
                let force = times(model.precision, model.mean)
                for k in 0..<3 { precision[k] += weight * model.precision[k] }
                for k in 0..<2 { pull[k] += weight * force[k] }
            }
            let inverse = Planar(mean: [0, 0], covariance: precision).precision
            return Planar(mean: times(inverse, pull), covariance: inverse)
        }

        /// KL(self‖other) in nats.
        func divergence(from other: Planar) -> Double {
            let (p, s) = (other.precision, covariance)
            let trace = p[0] * s[0] + 2 * p[1] * s[1] + p[2] * s[2]
            let shift = zip(mean, other.mean).map { $0 - $1 }
            let distance = inner(shift, Planar.times(p, shift))
            return 0.5 * (trace + distance - 2 + log(other.determinant / determinant))
        }
    }

    func testWideAndNarrow() throws {
        let models = [
            Planar(mean: [0.9, 0], covariance: [0.3, 0.1, 0.2]),
            Planar(mean: [-0.4, 0.5], covariance: [0.05, 0, 0.08]),
        ]
        let divergences: @Sendable ([Double]) -> [Double] = { multipliers in
            let product = Planar.product(models, multipliers)
            return models.map { product.divergence(from: $0) }
        }
        let result = try outcome(
            of:
                AnalyticProblem(count: 2, violations: divergences), constraints(count: 2),
            rule: AdaptiveAscent(domain: .simplex))
        XCTAssertEqual(result.status, .converged)
        XCTAssertLessThan(result.iterations, 30)
        assertClose(result.multipliers, [0.635, 0.365], absolute: 1e-3)
        assertClose(divergences(result.multipliers), [2.33, 2.33], absolute: 5e-3)
    }

    /// Without a formula for λ*: the duality gap bounds the distance of the bound from the optimum.
    func testUnequalCovariances() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            var noise = Noise(seed: seed)
            let scale = [0.1, 1, 30][Int(seed % 3)]
            let models = (0..<4).map { _ in
                let (a, c) = (exp(noise.normal()), exp(noise.normal()))
                return Planar(
                    mean: noise.normals(2).map { $0 * scale },
                    covariance: [a, (2 * noise.uniform() - 1) * 0.8 * (a * c).squareRoot(), c])
            }
            let divergences: @Sendable ([Double]) -> [Double] = { multipliers in
                let product = Planar.product(models, multipliers)
                return models.map { product.divergence(from: $0) }
            }
            let result = try outcome(
                of:
                    AnalyticProblem(count: 4, violations: divergences), constraints(count: 4),
                rule: AdaptiveAscent(domain: .simplex))
            XCTAssertEqual(result.status, .converged, "seed \(seed)")
            XCTAssertLessThan(result.iterations, 60, "seed \(seed)")
            let final = divergences(result.multipliers)
            let gap = DualFunction.gap(
                multipliers: result.multipliers, violations: final, domain: .simplex)
            XCTAssertLessThan(gap, 2e-3 * final.reduce(0, max), "seed \(seed)")
        }
    }

    func testSixteenModels() throws {
        var noise = Noise(seed: 21)
        let means = (0..<16).map { _ in noise.normals(8) }
        let product = IsotropicProduct(means: means, variance: 0.01)
        let result = try outcome(
            of:
                AnalyticProblem(count: 16) { product.divergences($0) }, constraints(count: 16),
            rule: AdaptiveAscent(domain: .simplex))
        XCTAssertEqual(result.status, .converged)
        XCTAssertLessThan(result.iterations, 60)
        let final = product.divergences(result.multipliers)
        XCTAssertLessThan(
            DualFunction.gap(multipliers: result.multipliers, violations: final, domain: .simplex),
            2e-3 * final.reduce(0, max))
    }
}
