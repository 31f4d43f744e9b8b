import Foundation
import Models
import TensorCore
import TestSupport
import XCTest

final class ScoreNetworkTests: XCTestCase {
    private let alphas = (1...20).map { pow(0.8, Double($0)) }

    private func network() throws -> ScoreNetwork {
        let reference = try XCTUnwrap(Gaussian(mean: [0.3, 0.3], covariance: [0.5, 0, 0, 0.5]))
        return ScoreNetwork(
            ScoreMLPConfiguration(dimension: 2, timesteps: 20, hidden: 16, embedding: 8),
            alphasCumprod: alphas, reference: reference, key: RandomKey(seed: 1, stream: 0))
    }

    private func perturb(_ network: ScoreNetwork) {
        for (index, parameter) in network.parameters.enumerated() {
            parameter.assign(
                parameter.value.detached + randomTensor(parameter.shape, seed: UInt64(index)) * 0.1)
        }
    }

    func testItStartsAsTheGaussianOfTheData() throws {
        let network = try network()
        let x = randomTensor([6, 2], seed: 2)
        let exact = GaussianDenoiser(network.reference)
        for timestep in [0, 7, 19] {
            let levels = NoiseLevels(alphasCumprod: [alphas[timestep]])
            assertClose(
                network.evaluator()(x, timestep: timestep).detached, exact.noisePrediction(x, levels),
                absolute: 1e-6)
        }
    }

    func testOneTimestepForAllEqualsTheSameForEach() throws {
        let network = try network()
        perturb(network)
        let x = randomTensor([5, 2], seed: 3)
        let evaluator = network.evaluator()
        for timestep in [0, 11, 19] {
            assertClose(
                evaluator(x, timesteps: Array(repeating: Int32(timestep), count: 5)).detached,
                evaluator(x, timestep: timestep).detached, absolute: 1e-5, relative: 1e-5)
        }
    }

    func testASingleBatchIsEvaluatedAsByTheTableOfAllTimesteps() throws {
        let network = try network()
        perturb(network)
        let x = randomTensor([6, 2], seed: 4)
        for timesteps: [Int32] in [[7, 7, 7, 7, 7, 7], [0, 19, 3, 3, 0, 11]] {
            assertClose(
                network(x, timesteps: timesteps), network.evaluator()(x, timesteps: timesteps),
                absolute: 1e-5,
                relative: 1e-5)
        }
    }

    func testParametersCarryTheNamesOfThePapersNetwork() throws {
        let names = try network().namedParameters.map(\.name)
        XCTAssertEqual(names.count, 1 + 2 + 4 * 10 + 2)
        XCTAssertEqual(Set(names).count, names.count)
        for name in [
            "time_embed.weight", "input_linear.bias", "res_blocks.3.layer_emb.weight", "final_linear.weight",
        ] {
            XCTAssertTrue(names.contains(name), name)
        }
    }

    /// Directional derivative of a scalar of the output against all parameters at once.
    private func checkGradient(
        of network: ScoreNetwork, _ evaluate: @escaping (_ x: Tensor, _ timesteps: [Int32]) -> Tensor,
        _ name: String
    ) {
        perturb(network)
        let x = randomTensor([8, 2], seed: 5)
        let probe = randomTensor([8, 2], seed: 6)
        let value = { (evaluate(x, [0, 3, 3, 19, 7, 1, 12, 5]) * probe).sum() }
        let found = gradients(of: value())
        let directions = network.parameters.enumerated().map { randomTensor($1.shape, seed: UInt64(50 + $0)) }
        let starts = network.parameters.map { $0.value.copied() }
        var slope = 0.0
        for (parameter, direction) in zip(network.parameters, directions) {
            slope += found[parameter.value]?.dot(direction) ?? 0
        }
        let h = 1e-3
        let shifted = { (step: Double) -> Double in
            for (index, parameter) in network.parameters.enumerated() {
                parameter.assign(starts[index] + directions[index] * step)
            }
            return value().item
        }
        let difference = (shifted(h) - shifted(-h)) / (2 * h)
        XCTAssertEqual(slope, difference, accuracy: 5e-3 * max(1, abs(difference)), name)
    }

    func testGradientsOfAllParametersAgainstACentralDifference() throws {
        let network = try network()
        checkGradient(of: network, { network.evaluator()($0, timesteps: $1) }, "table of all timesteps")
        checkGradient(of: network, { network($0, timesteps: $1) }, "timesteps of the batch")
    }
}
