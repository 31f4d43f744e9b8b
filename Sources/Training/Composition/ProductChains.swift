import Checkpoints
import Diffusion
import Distributed
import Foundation
import Models
import TensorCore

/// Persistent chains that sample Π q_i^{λ_i} by annealed MCMC on the surrogate score Σ λ_i ε_i.
///
/// Multipliers move little from one dual iteration to the next, so chains are not started over: they are noised
/// back to a level from which modes can still be left, and annealed down again. They come in mirrored
/// pairs, which takes most of the sampling error out of the product's mean.
struct ProductChains: Sendable {
    /// `[chains, d]`, nil before the first run.
    private(set) var population: Tensor?
    private(set) var adaptation: StepSizeAdaptation
    private(set) var runs = 0
    private let schedule: NoiseSchedule
    private let sampler: MCMCSampler
    private let work: MicroBatches
    private let dimension: Int
    private let seed: UInt64

    init(
        schedule: NoiseSchedule, sampler: MCMCSampler, levels: [AnnealingLevel], chains: MicroBatches,
        dimension: Int, seed: UInt64
    ) {
        self.schedule = schedule
        self.sampler = sampler
        self.adaptation = StepSizeAdaptation(levels: levels, targetAcceptance: sampler.targetAcceptance)
        self.work = chains
        self.dimension = dimension
        self.seed = seed
    }

    /// Levels whose γ is spaced evenly in log, from the noisiest time step to the cleanest.
    ///
    /// Where the noise is about as wide as the standardised data, chains decide between modes, with odds that the
    /// surrogate has wrong at higher noise: there they stay longer, to change their minds.
    static func levels(_ schedule: NoiseSchedule, count: Int, iterations: Int, stepSize: Double)
        -> [AnnealingLevel]
    {
        schedule.timestepsEvenInLogNoise(count: count).map { timestep in
            let decides = decidingNoise.contains(schedule.noiseToSignal(at: timestep))
            return AnnealingLevel(
                timestep: timestep, stepSize: stepSize, iterations: decides ? 4 * iterations : iterations)
        }
    }

    private static let decidingNoise = 0.08...2.0

    /// The cleanest level at which chains can still change their modes.
    private var restart: Int {
        adaptation.levels.lastIndex { schedule.noiseToSignal(at: $0.timestep) >= Self.hidingNoise } ?? 0
    }

    private static let hidingNoise = 1.0

    /// Anneals all chains at the given multipliers; every rank ends with the whole population.
    mutating func run(
        _ models: ModelShards, multipliers: [Double]
    ) throws {
        let first = population == nil ? 0 : restart
        let levels = Array(adaptation.levels[first...])
        let start = self
        let run = runs
        let communicator = models.communicator
        let computed = try work.map(on: communicator, shards: models.layout.shards) { chains in
            try start.anneal(chains, levels, models, multipliers, run)
        }
        // The ranks of a sample group have all run the same chains: the first of them hands them over.
        let outcomes = models.layout.shardIndex(of: communicator.rank) == 0 ? computed : []
        let width = dimension
        let rows = try communicator.allGatherEach(outcomes.flatMap(\.positions.floats)).flatMap { $0 }
        population = Tensor(rows, shape: [rows.count / width, width])
        try adapt(outcomes.map(\.acceptances), from: first, over: communicator)
        runs += 1
    }

    func save(to tree: inout StateTree, at path: String) {
        tree.set(population ?? Tensor.zeros([0, dimension]), at: "\(path)/population")
        tree.set(adaptation.levels.map(\.stepSize), at: "\(path)/step_sizes")
        tree.set(runs, at: "\(path)/runs")
    }

    mutating func restore(from tree: StateTree, at path: String) throws {
        population = try tree.tensor("\(path)/population")
        let levels = zip(adaptation.levels, try tree.doubles("\(path)/step_sizes")).map { level, size in
            AnnealingLevel(timestep: level.timestep, stepSize: size, iterations: level.iterations)
        }
        runs = try tree.count("\(path)/runs")
        adaptation = StepSizeAdaptation(
            levels: levels, targetAcceptance: sampler.targetAcceptance, updates: runs)
    }

    private func anneal(
        _ chains: Range<Int>, _ levels: [AnnealingLevel], _ models: ModelShards, _ multipliers: [Double],
        _ run: Int
    ) throws -> (positions: Tensor, acceptances: [Acceptance]) {
        let target = AnnealedTarget(noise: { x, t in
            composedNoise(try models.noises(x, t), weights: multipliers)
        })
        let z = SampleNoise(key(.chainStart, run), firstSample: chains.lowerBound, isMirrored: true)
            .normal(0, like: .zeros([chains.count, dimension]))
        let positions =
            population.map {
                schedule.noised($0.slice(chains), with: z, at: .all(levels[0].timestep))
            } ?? z
        let noise = ChainNoise(
            momenta: key(.chainNoise, run), tests: key(.chainAcceptance, run), firstChain: chains.lowerBound,
            isMirrored: true)
        let sample = try annealedSample(
            from: positions, schedule: schedule, levels: levels, sampler: sampler, target: target,
            noise: noise,
            transition: .ddim)
        let last = Timesteps.all(levels[levels.count - 1].timestep)
        let residual = try withoutRecording { try target.noise(sample.positions, last) }
        return (
            schedule.withoutResidualNoise(sample.positions, noise: residual, at: last), sample.acceptances
        )
    }

    private mutating func adapt(
        _ acceptances: [[Acceptance]], from first: Int, over communicator: any Communicator
    ) throws {
        var counts = [Int64](repeating: 0, count: 2 * adaptation.levels.count)
        for run in acceptances {
            for (level, acceptance) in run.enumerated() {
                counts[2 * (first + level)] += Int64(acceptance.accepted)
                counts[2 * (first + level) + 1] += Int64(acceptance.proposed)
            }
        }
        try communicator.allReduce(&counts, .sum)
        adaptation = adaptation.updated(
            adaptation.levels.indices.map {
                Acceptance(accepted: Int(counts[2 * $0]), proposed: Int(counts[2 * $0 + 1]))
            })
    }

    private func key(_ purpose: RandomPurpose, _ run: Int) -> RandomKey {
        purpose.key(seed: seed, step: run)
    }
}
