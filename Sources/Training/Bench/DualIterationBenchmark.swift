import ConstrainedLearning
import Diffusion
import Distributed
import Models
import TensorCore

/// One dual iteration of Algorithm 2: three models, a product network, 128 chains.
struct DualIterationBenchmark {
    private static let (models, chains, levels, nodes) = (3, 128, 10, 32)
    private static let iterations = 10
    private let schedule: NoiseSchedule
    private let models: ModelShards
    private let fit: DenoisingFit
    private let levels: [AnnealingLevel]
    private let quadrature: LogNoiseQuadrature
    private let work: MicroBatches
    private let communicator = SingleCommunicator()

    init() throws {
        let schedule = try ScoreNetworkWork.schedule()
        self.schedule = schedule
        guard let standard = Gaussian(mean: [0, 0], covariance: [1, 0, 0, 1]) else {
            throw TrainingError.degenerateData(model: Benchmark.algorithm2.rawValue)
        }
        let networks = (0...Self.models).map { index in
            ScoreNetworkWork.network(standard, schedule, index: index, isPerturbed: true)
        }
        models = try ModelShards(
            networks.dropFirst().map { .network($0.evaluator()) }, shards: 1, of: communicator)
        work = MicroBatches(samples: Self.chains, size: TrainingConfiguration().microBatch)
        let settings = DenoisingSettings(
            steps: 1_000, batch: Self.chains, microBatch: work.size, learningRate: 1e-3, weightDecay: 1e-4,
            gradientClip: 1)
        fit = DenoisingFit(networks[0], settings, seed: 0, model: 0)
        // ½ (τσ)² = 0.1 σ².
        let stepSize = 0.2.squareRoot()
        let last = schedule.trainSteps - 1
        levels = Self.spread(from: last, to: 0, count: Self.levels).map {
            AnnealingLevel(timestep: $0, stepSize: stepSize, iterations: Self.iterations)
        }
        quadrature = try LogNoiseQuadrature(
            schedule, timesteps: Self.spread(from: 0, to: last, count: Self.nodes))
    }

    func run(repeats: Int) throws -> BenchmarkResult {
        var multipliers = try iteration()
        let seconds = try medianSeconds(repeats: repeats) { multipliers = try iteration() }
        guard multipliers.allSatisfy({ $0 >= 0 }), abs(multipliers.reduce(0, +) - 1) < 1e-9 else {
            throw BenchmarkError(
                benchmark: .algorithm2, reason: "the multipliers are \(multipliers), not on the simplex")
        }
        return BenchmarkResult(
            name: Benchmark.algorithm2.rawValue, seconds: seconds, repeats: repeats, gflops: gflop / seconds)
    }

    /// The multipliers after one iteration from equal ones.
    private func iteration() throws -> [Double] {
        let equal = Array(repeating: 1 / Double(Self.models), count: Self.models)
        let samples = try annealed(equal)
        try fit.update(from: { range, _ in (samples.slice(range), nil) }, over: communicator)
        let divergences = try divergences(of: samples)
        return projectionOntoSimplex(zip(equal, divergences).map(+))
    }

    /// Annealed ULA on the surrogate score Σ λ_i ε_i, from pure noise.
    private func annealed(_ multipliers: [Double]) throws -> Tensor {
        let parts = try work.map(on: communicator) { chains in
            let target = AnnealedTarget(noise: { x, t in
                composedNoise(try models.noises(x, t), weights: multipliers)
            })
            let start = Tensor.normal(
                [chains.count, ScoreNetworkWork.dimension], key: key(.chainStart),
                firstSample: chains.lowerBound)
            let noise = ChainNoise(
                momenta: key(.chainNoise), tests: key(.chainAcceptance), firstChain: chains.lowerBound)
            return try annealedSample(
                from: start, schedule: schedule, levels: levels, sampler: .ula, target: target, noise: noise
            ).positions
        }
        return Tensor.concatenated(parts)
    }

    private func divergences(of samples: Tensor) throws -> [Double] {
        return try DivergenceWork(batches: work, stride: 1).divergences(
            quadrature, noise: key(.divergenceNoise), p: .network(fit.network.evaluator()),
            models: models
        ) { samples.slice($0) }
    }

    private func key(_ purpose: RandomPurpose) -> RandomKey { purpose.key(seed: 0, step: fit.step) }

    /// Operations of an iteration in 10⁹, as the peer counts them.
    private var gflop: Double {
        let (rows, evaluations) = (Self.chains, Self.levels * Self.iterations * Self.models)
        return Double(evaluations) * ScoreNetworkWork.forwardGFLOP(rows: rows, timeRows: 1)
            + 3 * ScoreNetworkWork.forwardGFLOP(rows: rows, timeRows: rows)
            + Double(Self.models + 1)
            * ScoreNetworkWork.forwardGFLOP(rows: rows * Self.nodes, timeRows: Self.nodes)
    }

    /// `count` timesteps evenly from first to last.
    private static func spread(from first: Int, to last: Int, count: Int) -> [Int] {
        (0..<count).map { first + Int((Double(($0) * (last - first)) / Double(count - 1)).rounded()) }
    }
}
