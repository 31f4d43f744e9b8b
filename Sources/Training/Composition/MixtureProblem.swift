import Checkpoints
import Diffusion
import Distributed
import Models
import TensorCore

/// One model of a mixture: samples of q_i, its score, and its entropy.
struct MixtureMember: Sendable {
    let source: SampleSource
    let score: ScoreModel
    /// H(q_i) in nats, for `constraint: elbo`; 0 for `kl`.
    var offset: Double
}

/// What is common to mixtures: D_i = KL(q_i‖p), or −E_{q_i} log p = H(q_i) + KL(q_i‖p).
///
/// The cross-entropy is split so that the large noise of E‖ε_i − ε‖² stays out of the dual's violations.
struct MixtureMeasure: Sendable {
    let members: [MixtureMember]
    let quadrature: LogNoiseQuadrature
    let work: CompositionWork
    let seed: UInt64

    func divergences(
        of p: ScoreModel, _ work: DivergenceWork, _ data: RandomPurpose, _ noise: RandomPurpose, step: Int,
        over communicator: any Communicator
    ) throws -> [Double] {
        try members.indices.map { i in
            let member = members[i]
            // Lemma 2 with the roles swapped: the expectation is over q_i.
            let divergence = try work.divergences(
                quadrature, noise: noise.key(seed: seed, model: i, step: step), p: member.score,
                models: ModelShards([p], shards: 1, of: communicator)
            ) { member.source.samples($0, key: data.key(seed: seed, model: i, step: step)) }
            return member.offset + divergence[0]
        }
    }
}

/// Mixture with exact scores: p_λ = Σ λ_i q_i is known by its responsibilities, so there is no network.
final class ExactMixture: CompositionProblem, @unchecked Sendable {
    private let mixtures: [GaussianMixture]
    private let measure: MixtureMeasure
    private let communicator: any Communicator
    private var p: ScoreModel?
    private var iteration = 0

    init(_ mixtures: [GaussianMixture], _ measure: MixtureMeasure, communicator: any Communicator) {
        self.mixtures = mixtures
        self.measure = measure
        self.communicator = communicator
    }

    func update(multipliers: [Double]) throws {
        p = combined(multipliers)
        iteration += 1
    }

    func divergences() throws -> [Double] {
        guard let p else { throw TrainingError.notStarted("the mixture") }
        return try measure.divergences(
            of: p, measure.work.training, .data, .divergenceNoise, step: iteration, over: communicator)
    }

    func settle(multipliers: [Double]) throws { p = combined(multipliers) }

    func evaluate(_ work: DivergenceWork) throws -> [Double] {
        guard let p else { throw TrainingError.notStarted("the mixture") }
        return try measure.divergences(
            of: p, work, .evaluationData, .evaluationNoise, step: 0, over: communicator)
    }

    func model() throws -> VectorModel {
        guard case .exact(let mixture, _) = p else { throw TrainingError.notStarted("the mixture") }
        return VectorModel(
            .mixture(mixture), schedule: measure.quadrature.schedule, dimension: mixture.dimension)
    }

    func save(to tree: inout StateTree, at path: String) { tree.set(iteration, at: "\(path)/iteration") }

    func restore(from tree: StateTree, at path: String) throws {
        iteration = try tree.count("\(path)/iteration")
    }

    private func combined(_ multipliers: [Double]) -> ScoreModel {
        let parts = zip(mixtures, multipliers).flatMap { mixture, multiplier in
            zip(mixture.weights, mixture.components).map { (weight: $0 * multiplier, part: $1) }
        }.filter { $0.weight > 0 }
        return .exact(
            GaussianMixture(weights: parts.map(\.weight), components: parts.map(\.part)),
            alphasCumprod: measure.quadrature.schedule.alphasCumprod)
    }
}

/// Mixture with a network: minimises Σ λ_i L_i(θ), L_i the denoising loss on samples of q_i.
final class ScoreMixture: CompositionProblem, @unchecked Sendable {
    private let measure: MixtureMeasure
    let fit: DenoisingFit
    /// Network updates per dual iteration, before the first, and after the last.
    private let updates: (each: Int, first: Int, settling: Int)
    private let communicator: any Communicator
    private(set) var iteration = 0
    private var measured: ScoreModel?

    init(
        _ measure: MixtureMeasure, fit: DenoisingFit, updates: (each: Int, first: Int, settling: Int),
        communicator: any Communicator
    ) {
        self.measure = measure
        self.fit = fit
        self.updates = updates
        self.communicator = communicator
    }

    func update(multipliers: [Double]) throws {
        try train(multipliers, updates: iteration == 0 ? updates.first : updates.each)
        iteration += 1
    }

    func divergences() throws -> [Double] {
        guard let p = measured else { throw TrainingError.notStarted("the mixture") }
        return try measure.divergences(
            of: p, measure.work.training, .data, .divergenceNoise, step: iteration, over: communicator)
    }

    func settle(multipliers: [Double]) throws {
        try train(multipliers, updates: updates.settling, rate: DenoisingSettings.settlingRate)
    }

    func evaluate(_ work: DivergenceWork) throws -> [Double] {
        guard let p = measured else { throw TrainingError.notStarted("the mixture") }
        return try measure.divergences(
            of: p, work, .evaluationData, .evaluationNoise, step: 0, over: communicator)
    }

    func model() throws -> VectorModel {
        VectorModel(
            .network(fit.averaged()), schedule: measure.quadrature.schedule,
            dimension: fit.network.mlp.configuration.dimension)
    }

    func save(to tree: inout StateTree, at path: String) {
        tree.set(iteration, at: "\(path)/iteration")
        fit.save(to: &tree, at: "\(path)/fit")
    }

    func restore(from tree: StateTree, at path: String) throws {
        iteration = try tree.count("\(path)/iteration")
        try fit.restore(from: tree, at: "\(path)/fit")
        measured = .network(fit.averaged().evaluator())
    }

    /// - Parameter rate: multiplies the learning rate, a function of the share done.
    private func train(
        _ multipliers: [Double], updates: Int, rate: (Double) -> Double = { _ in 1 }
    ) throws {
        let (members, seed) = (measure.members, measure.seed)
        for update in 0..<updates {
            try fit.update(
                from: { samples, step in
                    // Every sample index is drawn from every model; its weight spreads it as λ does. Sharing one
                    // batch equally keeps models with small λ in every batch.
                    let parts = members.indices.map { i in
                        members[i].source.samples(
                            samples, key: RandomPurpose.data.key(seed: seed, model: i + 1, step: step))
                    }
                    return Self.interleaved(parts, samples, multipliers)
                }, over: communicator, rate: rate(Double(update) / Double(updates)))
        }
        measured = .network(fit.averaged().evaluator())
    }

    /// Row r comes from model (index of r) mod m, with weight m λ_i.
    private static func interleaved(
        _ parts: [Tensor], _ samples: Range<Int>, _ multipliers: [Double]
    ) -> (x0: Tensor, weights: Tensor?) {
        let (m, n) = (parts.count, samples.count)
        let rows = samples.enumerated().map { row, index in Int32((index % m) * n + row) }
        let weights = samples.map { Float(Double(m) * multipliers[$0 % m]) }
        return (Tensor.concatenated(parts).rows(rows), Tensor(weights, shape: [n, 1]))
    }
}
