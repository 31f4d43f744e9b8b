import Checkpoints
import Diffusion
import Distributed
import Models
import TensorCore

/// Product composition by Algorithm 2: chains draw x_0 from q_AND^(λ), a network learns their distribution, and
/// its score is compared with each model's by Lemma 2.
///
/// The network's reference Gaussian follows the chains' moments, so that it has only the shape left to learn.
final class ScoreProduct: CompositionProblem, @unchecked Sendable {
    private let models: ModelShards
    private let quadrature: LogNoiseQuadrature
    private let work: CompositionWork
    private let seed: UInt64
    /// Network updates per dual iteration, and before the first.
    private let updates: (each: Int, first: Int, settling: Int)
    private(set) var chains: ProductChains
    private(set) var fit: DenoisingFit
    private(set) var moments: Moments?
    private var measured: ScoreModel?

    init(
        _ models: ModelShards, quadrature: LogNoiseQuadrature, work: CompositionWork, chains: ProductChains,
        fit: DenoisingFit, updates: (each: Int, first: Int, settling: Int), seed: UInt64
    ) {
        self.models = models
        self.quadrature = quadrature
        self.work = work
        self.chains = chains
        self.fit = fit
        self.updates = updates
        self.seed = seed
    }

    func update(multipliers: [Double]) throws {
        try advance(multipliers, updates: chains.runs == 0 ? updates.first : updates.each)
    }

    func divergences() throws -> [Double] {
        guard let population = chains.population, let p = measured else {
            throw TrainingError.notStarted("the product")
        }
        let noise = RandomPurpose.divergenceNoise.key(seed: seed, step: chains.runs)
        return try work.training.divergences(
            quadrature, noise: noise, p: p, models: models
        ) { population.slice($0) }
    }

    func settle(multipliers: [Double]) throws {
        for round in 0..<Self.settlingRounds {
            let progress = Double(round) / Double(Self.settlingRounds)
            try advance(
                multipliers, updates: updates.settling / Self.settlingRounds,
                rate: DenoisingSettings.settlingRate(at: progress))
        }
    }

    func evaluate(_ work: DivergenceWork) throws -> [Double] {
        guard let p = measured else { throw TrainingError.notStarted("the product") }
        let (learned, seed) = (try model(), seed)
        let noise = RandomPurpose.evaluationNoise.key(seed: seed)
        return try work.divergences(
            quadrature, noise: noise, p: p, models: models
        ) { try learned.standardizedSamples($0, seed: seed &+ 1, isMirrored: true) }
    }

    func model() throws -> VectorModel {
        VectorModel(
            .network(fit.averaged()), schedule: quadrature.schedule,
            dimension: fit.network.mlp.configuration.dimension)
    }

    func save(to tree: inout StateTree, at path: String) {
        fit.save(to: &tree, at: "\(path)/fit")
        chains.save(to: &tree, at: "\(path)/chains")
        tree.set(moments?.mean ?? [], at: "\(path)/moments/mean")
        tree.set(moments?.products ?? [], at: "\(path)/moments/products")
    }

    func restore(from tree: StateTree, at path: String) throws {
        try chains.restore(from: tree, at: "\(path)/chains")
        let saved = Moments(
            mean: try tree.doubles("\(path)/moments/mean"),
            products: try tree.doubles("\(path)/moments/products"))
        moments = saved
        if let reference = saved.gaussian() { fit.network.reference = reference }
        try fit.restore(from: tree, at: "\(path)/fit")
        measured = .network(fit.averaged().evaluator())
    }

    private static let settlingRounds = 4

    private func advance(_ multipliers: [Double], updates: Int, rate: Double = 1) throws {
        try chains.run(models, multipliers: multipliers)
        guard let population = chains.population else { return }
        try follow(Moments(population))
        for _ in 0..<updates {
            try fit.update(
                from: { samples, step in
                    let key = RandomPurpose.data.key(seed: self.seed, step: step)
                    let chosen = key.integers(samples, below: population.shape[0])
                    return (population.rows(chosen), nil)
                }, over: models.communicator, rate: rate)
        }
        measured = .network(fit.averaged().evaluator())
    }

    /// Averages the moments of many iterations: one population's would add its sampling error to every score.
    private func follow(_ fresh: Moments) throws {
        var mean = moments ?? fresh
        mean.move(towards: fresh, share: max(0.5, 1 / Double(chains.runs)))
        moments = mean
        guard let reference = mean.gaussian() else { throw TrainingError.degenerateData(model: "product") }
        fit.network.reference = reference
    }
}

/// Steps from the last training time step down to 0 and on to no noise, evenly spread.
func ddimSteps(_ schedule: NoiseSchedule, count: Int, eta: Double) -> [DDIMStep] {
    let last = schedule.trainSteps - 1
    let timesteps = (0..<count).map { step in
        count == 1 ? last : last - Int((Double(step) * Double(last) / Double(count - 1)).rounded())
    }
    return timesteps.indices.map { index in
        let next = index + 1 < count ? schedule.alphaCumprod(at: timesteps[index + 1]) : 1
        return DDIMStep(
            timestep: timesteps[index], alphaCumprod: schedule.alphaCumprod(at: timesteps[index]),
            previousAlphaCumprod: next, eta: eta)
    }
}
