import Diffusion
import Foundation
import TensorCore
import TestSupport
import XCTest

final class CompositionTests: XCTestCase {
    private let a = Tensor([1.0, 2, -3, 4], shape: [2, 2])
    private let b = Tensor([0.5, -1, 2, 0], shape: [2, 2])
    private let empty = Tensor([0.1, 0.2, 0.3, 0.4], shape: [2, 2])

    func testWeightedSums() {
        assertClose(
            composedNoise([a, b], weights: [0.25, 0.75]).doubles, [0.625, -0.25, 0.75, 1], rtol: 1e-14)
        let guided = zip(empty.doubles, a.doubles).map { $0 + 5 * ($1 - $0) }
        assertClose(
            guidedNoise(unconditional: empty, conditional: a, guidance: 5).doubles, guided, rtol: 1e-13)
        let concepts = (0..<4).map { i in
            let e = empty.doubles[i]
            return e + 12 * (0.3 * (a.doubles[i] - e) + 0.7 * (b.doubles[i] - e))
        }
        assertClose(
            conceptNoise(unconditional: empty, concepts: [a, b], weights: [0.3, 0.7], guidance: 12).doubles,
            concepts, rtol: 1e-12, atol: 1e-13)
    }

    /// The surrogate of Gaussians at t → 0 is the score of their product.
    func testSurrogateIsTheProductWithoutNoise() throws {
        let schedule = try NoiseSchedule(betas: [1e-8])
        let factors = [
            Gaussian(mean: [0.9, 0], covariance: Matrix([[0.3, 0.1], [0.1, 0.2]])),
            Gaussian(mean: [-0.4, 0.5], covariance: .diagonal([0.05, 0.08])),
        ]
        let product = Gaussian.product(factors, [0.4, 0.6])
        let noises = try factors.map { try $0.predictor(schedule)(a, .all(0)) }
        assertClose(
            composedNoise(noises, weights: [0.4, 0.6]), try product.predictor(schedule)(a, .all(0)),
            rtol: 1e-5)
    }

    func testMixtureWeighsByResponsibility() {
        let (p, q) = ([-0.3, -7.0], [-1.1, 2.5])
        let result = mixtureNoise(
            [a, b], logDensities: [Tensor(p, shape: [2]), Tensor(q, shape: [2])], weights: [0.2, 0.8])
        let expected = (0..<4).map { i in
            let (u, v) = (0.2 * exp(p[i / 2]), 0.8 * exp(q[i / 2]))
            return (u * a.doubles[i] + v * b.doubles[i]) / (u + v)
        }
        assertClose(result.doubles, expected, rtol: 1e-12)
        // Densities that underflow weigh the same: only their ratio counts.
        let faint = [p, q].map { Tensor($0.map { $0 - 5000 }, shape: [2]) }
        assertClose(mixtureNoise([a, b], logDensities: faint, weights: [0.2, 0.8]), result, rtol: 1e-10)
        assertClose(
            mixtureNoise(
                [a, b], logDensities: [Tensor(p, shape: [2]), Tensor(q, shape: [2])], weights: [0, 1]),
            b, rtol: 1e-14)
    }
}
