import Foundation
import Models
import TensorCore
import TestSupport
import XCTest

final class GaussianTests: XCTestCase {
    private func gaussian(_ mean: [Double], _ covariance: [Double]) throws -> Gaussian {
        try XCTUnwrap(Gaussian(mean: mean, covariance: covariance))
    }

    /// The pair of the method's §2, whose product was found by hand: λ = (.635, .365), bound 2.33.
    func testProductOfAWideAndANarrowGaussianBalancesAtTheKnownWeights() throws {
        let wide = try gaussian([0.9, 0], [0.3, 0.1, 0.1, 0.2])
        let narrow = try gaussian([-0.4, 0.5], [0.05, 0, 0, 0.08])
        let product = try XCTUnwrap(Gaussian.product([wide, narrow], weights: [0.6347, 0.3653]))
        assertClose(
            [product.divergence(from: wide), product.divergence(from: narrow)], [2.3316, 2.3316],
            absolute: 5e-4)
        assertClose(product.mean, [-0.048, 0.129], absolute: 1e-3)
    }

    func testEntropyAndDivergenceOfDiagonalGaussians() throws {
        let (p, q) = (try gaussian([1, -1], [0.5, 0, 0, 2]), try gaussian([0, 0], [1, 0, 0, 4]))
        XCTAssertEqual(p.entropy, log(2 * Double.pi * M_E), accuracy: 1e-12)
        let expected = 0.5 * (0.5 + 0.5 + 1 + 0.25 - 2 + log(4))
        XCTAssertEqual(p.divergence(from: q), expected, accuracy: 1e-12)
        XCTAssertEqual(p.divergence(from: p), 0, accuracy: 1e-12)
    }

    func testCovariancesThatAreNotPositiveDefiniteAreRefused() {
        XCTAssertNil(Gaussian(mean: [0, 0], covariance: [1, 2, 2, 1]))
        XCTAssertNil(Gaussian(mean: [0], covariance: [.nan]))
    }

    func testSampleMomentsAndSplitInvariance() throws {
        let g = try gaussian([2, -1], [0.5, 0.3, 0.3, 0.4])
        let key = RandomKey(seed: 3, stream: 7)
        let n = 65_536
        let x = g.samples(0..<n, key: key)
        let wide = x.cast(to: .float64)
        let mean = wide.mean(axis: 0)
        assertClose(mean.doubles, [2, -1], absolute: 4 * (0.5 / Double(n)).squareRoot())
        let centred = wide - mean
        let covariance = (matmul(centred, centred, transposeA: true) / Double(n)).doubles
        assertClose(covariance, [0.5, 0.3, 0.3, 0.4], absolute: 0.012)
        assertIdentical(g.samples(100..<164, key: key), x.slice(100..<164).copied())
    }

    /// ε(x, t) = −√(1−ᾱ) ∇ log q_t(x), the gradient taken by central differences of the density.
    func testMixtureNoiseIsTheScoreOfItsDensity() throws {
        let mixture = GaussianMixture(
            weights: [0.3, 0.7],
            components: [
                try gaussian([1, 0.5], [0.4, 0.1, 0.1, 0.3]), try gaussian([-1, 0], [0.2, 0, 0, 0.6]),
            ])
        let alpha = 0.7
        let levels = NoiseLevels(alphasCumprod: [alpha])
        let points: [[Double]] = [[0.2, -0.4], [1.5, 1], [-2, 0.3]]
        let found = mixture.noisePrediction(
            Tensor(points.flatMap { $0 }.map(Float.init), shape: [3, 2]), levels)
        let density = { (p: [Double]) in
            mixture.logDensity(Tensor(p.map(Float.init), shape: [1, 2]), levels).item
        }
        let h = 1e-2
        var expected: [Double] = []
        for point in points {
            for axis in 0..<2 {
                var (up, down) = (point, point)
                up[axis] += h
                down[axis] -= h
                expected.append(-(1 - alpha).squareRoot() * (density(up) - density(down)) / (2 * h))
            }
        }
        // The density is f32, so the difference quotient over 2e-2 carries an error of some 1e-4.
        assertClose(found.doubles, expected, absolute: 1e-3, relative: 1e-3)
    }
}
