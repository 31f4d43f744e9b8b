import Checkpoints
import Diffusion
import Distributed
import Models
import TensorCore

/// Product of Gaussians with exact scores: p_λ ∝ Π q_i^{λ_i} is a Gaussian, so there is no network.
///
/// D_i = KL(p_λ‖q_i) is still measured as for any other model, by Lemma 2 on samples.
final class GaussianProduct: CompositionProblem, @unchecked Sendable {
    private let factors: [Gaussian]
    private let quadrature: LogNoiseQuadrature
    private let work: CompositionWork
    private let seed: UInt64
    private let communicator: any Communicator
    private var product: Gaussian?
    private var iteration = 0

    init(
        _ factors: [Gaussian], quadrature: LogNoiseQuadrature, work: CompositionWork, seed: UInt64,
        communicator: any Communicator
    ) {
        self.factors = factors
        self.quadrature = quadrature
        self.work = work
        self.seed = seed
        self.communicator = communicator
    }

    func update(multipliers: [Double]) throws {
        product = try Self.product(factors, multipliers)
        iteration += 1
    }

    func divergences() throws -> [Double] {
        try measure(work.training, .data, .divergenceNoise, step: iteration)
    }

    func settle(multipliers: [Double]) throws { product = try Self.product(factors, multipliers) }

    func evaluate(_ work: DivergenceWork) throws -> [Double] {
        try measure(work, .evaluationData, .evaluationNoise, step: 0)
    }

    func model() throws -> VectorModel {
        guard let product else { throw TrainingError.notStarted("the product") }
        return VectorModel(
            .mixture(GaussianMixture(product)), schedule: quadrature.schedule, dimension: product.dimension)
    }

    func save(to tree: inout StateTree, at path: String) { tree.set(iteration, at: "\(path)/iteration") }

    func restore(from tree: StateTree, at path: String) throws {
        iteration = try tree.count("\(path)/iteration")
    }

    private func measure(
        _ work: DivergenceWork, _ data: RandomPurpose, _ noise: RandomPurpose, step: Int
    ) throws -> [Double] {
        guard let product else { throw TrainingError.notStarted("the product") }
        let alphas = quadrature.schedule.alphasCumprod
        let p = ScoreModel.exact(GaussianMixture(product), alphasCumprod: alphas)
        let models = factors.map { ScoreModel.exact(GaussianMixture($0), alphasCumprod: alphas) }
        return try work.divergences(
            quadrature, noise: noise.key(seed: seed, step: step), p: p,
            models: ModelShards(models, shards: 1, of: communicator)
        ) { product.samples($0, key: data.key(seed: self.seed, step: step)) }
    }

    private static func product(_ factors: [Gaussian], _ multipliers: [Double]) throws -> Gaussian {
        guard let product = Gaussian.product(factors, weights: multipliers) else {
            throw TrainingError.degenerateProduct(multipliers)
        }
        return product
    }
}
