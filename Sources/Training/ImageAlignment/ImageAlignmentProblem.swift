import Checkpoints
import Diffusion
import Distributed
import Foundation
import Layers
import Models
import Rewards
import TensorCore

/// Algorithm 1's primal side on a text-to-image model: AdamW on k · KL(p_θ‖base) − Σ λ_i E r̃_i, θ a LoRA adapter.
///
/// Rewards are back-propagated through the last steps of the sampler, from a step K that is drawn for every update.
final class ImageAlignmentProblem: @unchecked Sendable {
    let chain: ImageChain
    let adapter: LoRAAdapter
    private(set) var constraints: [ImageConstraint]
    private let training: ImageTrainingConfiguration
    private let coefficient: Double
    private let work: ImageWork
    private let prompts: PromptTable
    let size: ImageSize
    private let optimizer: AdamW
    private let seed: UInt64
    /// Primal updates made so far; numbers the random draws.
    private(set) var updates = 0
    /// Measured on the images of the last update, before it.
    private(set) var latest: ImageMeasurement?
    /// Of the last update: the gradient's norm before clipping, the learning rate, K.
    private(set) var progress = (gradientNorm: 0.0, learningRate: 0.0, truncationStep: 0)

    init(
        chain: ImageChain, adapter: LoRAAdapter, exchange: RewardExchange, prompts: PromptTable,
        size: ImageSize, _ configuration: ImageAlignmentConfiguration, _ communicator: any Communicator
    ) {
        self.chain = chain
        self.adapter = adapter
        self.prompts = prompts
        self.size = size
        constraints = exchange.panel.constraints
        training = configuration.training
        coefficient = configuration.objective.klCoefficient
        seed = configuration.seed
        work = ImageWork(
            batches: MicroBatches(samples: training.batch, size: training.microBatch), exchange: exchange,
            communicator: communicator)
        optimizer = AdamW(
            adapter.namedParameters,
            AdamW.Configuration(
                weightDecay: training.weightDecay, gradientClip: training.gradientClip))
    }

    /// One descent step at the given multipliers.
    ///
    /// - Parameters:
    ///   - share: factor on the learning rate.
    ///   - observe: sees each micro-batch of this rank (`ImageTrace`).
    /// - Returns: the gradient, before clipping.
    @discardableResult
    func update(
        multipliers: [Double], share: Double = 1, observe: (@Sendable (TracedBatch) -> Void)? = nil
    ) throws -> [Tensor] {
        let first = training.truncation.step(of: chain.steps.count, key: key(.truncation))
        let weights = zip(constraints, multipliers).map {
            -$1 / ($0.scale.deviation * Double(training.batch))
        }
        let choiceKey = key(.prompts)
        let total = try work.sum(
            arrays: adapter.namedParameters.map { ($0.name, $0.parameter.shape) },
            scalars: ImageMeasurement.scalarCount(rewards: constraints.count), weights: weights, size: size,
            prompts: { [prompts] in prompts.texts(prompts.choice(of: $0, key: choiceKey)) }
        ) { range in
            let start = self.start(
                range, self.prompts, self.prompts.choice(of: range, key: choiceKey),
                latents: self.key(.initialLatents), noise: self.key(.samplerNoise))
            return try self.pending(start, range, first, observe)
        }
        latest = ImageMeasurement(
            sums: total.scalars, rewards: constraints.count, samples: training.batch)
        let rate = learningRate * share
        let norm = optimizer.step(total.arrays, learningRate: rate)
        progress = (norm, rate, first)
        updates += 1
        return total.arrays
    }

    /// The prompts of the next update's images.
    var nextPrompts: [String] {
        prompts.texts(prompts.choice(of: 0..<training.batch, key: key(.prompts)))
    }

    /// Samples one micro-batch; what remains is the way back once the scores are there.
    private func pending(
        _ start: ImageChain.Start, _ range: Range<Int>, _ first: Int,
        _ observe: (@Sendable (TracedBatch) -> Void)?
    ) throws -> PendingImages {
        let run = try chain.run(start, adapter, from: first)
        let latents = run.sample.tracked()
        let decoded = chain.pipeline.images(of: latents, memory: decoderMemory)
        let images = decoded.asPicture
        return PendingImages(images: images.detached) { [self] scores in
            let upstream = scores.gradient ?? Tensor.zeros(images.shape)
            let seed = gradients(of: [(images, upstream)])[latents] ?? Tensor.zeros(latents.shape)
            let slopes = try run.gradients(
                seed: seed, divergenceWeight: coefficient / Double(training.batch))
            observe?(
                TracedBatch(
                    range: range, first: first, start: start, run: run, images: decoded.detached,
                    scores: scores.values, gradients: slopes))
            let divergences = run.divergences.reduce(Tensor.zeros([range.count])) { $0 + $1 }
            return Contribution(
                arrays: slopes,
                scalars: ImageMeasurement.scalars(scores.values, divergences: divergences.doubles))
        }
    }

    private var decoderMemory: DecoderMemory {
        switch training.memory {
        case .activations: .activations
        case .steps: .stages
        case .layers: .latents
        }
    }

    /// The scheduled rate of the next update.
    private var learningRate: Double {
        let total = Double(training.steps * training.primalSteps)
        let progress = min(1, Double(updates) / total)
        let decay = training.schedule.decay(at: progress)
        let growth = training.warmup > 0 ? min(1, Double(updates + 1) / Double(training.warmup)) : 1
        return training.learningRate * decay * growth
    }

    private func key(_ purpose: RandomPurpose) -> RandomKey { purpose.key(seed: seed, step: updates) }
}

/// What a measurement is made on; each has random numbers of its own.
enum ImagePopulation: Int {
    case trained, base, heldOut, preview
}

extension ImageAlignmentProblem {
    /// Rewards and divergence on fresh images, without changing anything.
    ///
    /// - Parameter withAdapter: false for the base, from the same latents.
    func measure(
        _ population: ImagePopulation, _ prompts: PromptTable, samples: Int, withAdapter: Bool,
        onBatch: @escaping @Sendable () -> Void = {}
    ) throws -> ImageMeasurement {
        let total = try ImageWork(
            batches: MicroBatches(samples: samples, size: training.microBatch), exchange: work.exchange,
            communicator: work.communicator
        ).sum(
            scalars: ImageMeasurement.scalarCount(rewards: constraints.count),
            weights: constraints.map { _ in 0 }, size: size,
            prompts: { prompts.texts(prompts.turn(of: $0)) }, onBatch: onBatch
        ) { range in
            let (sample, divergences) = try self.sample(population, prompts, range, withAdapter)
            let images = withoutRecording { self.chain.pipeline.images(of: sample).asPicture }
            return PendingImages(images: images) { scores in
                Contribution(
                    scalars: ImageMeasurement.scalars(scores.values, divergences: divergences.doubles))
            }
        }
        return ImageMeasurement(sums: total.scalars, rewards: constraints.count, samples: samples)
    }

    /// Images in 0…1, made on this rank alone.
    func pictures(
        _ population: ImagePopulation, _ prompts: PromptTable, _ range: Range<Int>, withAdapter: Bool
    ) throws -> Tensor {
        let sample = try sample(population, prompts, range, withAdapter, measuresDivergence: false).sample
        return withoutRecording { chain.pipeline.images(of: sample).asPicture }
    }

    private func sample(
        _ population: ImagePopulation, _ prompts: PromptTable, _ range: Range<Int>, _ withAdapter: Bool,
        measuresDivergence: Bool = true
    ) throws -> (sample: Tensor, divergences: Tensor) {
        let purpose = { (purpose: RandomPurpose) in
            purpose.key(seed: self.seed, step: population.rawValue)
        }
        let start = start(
            range, prompts, prompts.turn(of: range), latents: purpose(.evaluationData),
            noise: purpose(.evaluationNoise))
        guard withAdapter else { return (try chain.baseSample(start), .zeros([range.count])) }
        guard measuresDivergence else {
            return (try chain.run(start, adapter, from: chain.steps.count).sample, .zeros([range.count]))
        }
        return try chain.measured(start, adapter)
    }

    private func start(
        _ range: Range<Int>, _ prompts: PromptTable, _ choice: [Int], latents: RandomKey, noise: RandomKey
    ) -> ImageChain.Start {
        let x = Tensor.normal(
            chain.pipeline.latentShape(range.count, size), key: latents, firstSample: range.lowerBound)
        return ImageChain.Start(
            latents: x, noise: SampleNoise(noise, firstSample: range.lowerBound).source(like: x),
            conditional: prompts.conditional(choice), unconditional: prompts.unconditional(range.count))
    }

    /// Puts rewards into the units of their thresholds.
    func scaleRewards(by scales: [RewardScale]) throws {
        for (index, scale) in scales.enumerated() {
            guard scale.deviation > 0, scale.deviation.isFinite else {
                throw TrainingError.constantReward(constraints[index].name)
            }
            constraints[index].scale = scale
        }
    }
}

extension ImageAlignmentProblem: Resumable {
    func save(to tree: inout StateTree, at path: String) {
        tree.set(updates, at: "\(path)/updates")
        adapter.save(to: &tree, at: "\(path)/adapter")
        optimizer.save(to: &tree, at: "\(path)/optimizer")
        tree.set(constraints.map(\.scale), at: "\(path)/reward_scales")
    }

    func restore(from tree: StateTree, at path: String) throws {
        updates = try tree.count("\(path)/updates")
        try adapter.restore(from: tree, at: "\(path)/adapter")
        try optimizer.restore(from: tree, at: "\(path)/optimizer")
        let scales = try tree.rewardScales("\(path)/reward_scales", count: constraints.count)
        for (index, scale) in scales.enumerated() { constraints[index].scale = scale }
    }
}

extension Tensor {
    /// What the decoder gives, in −1…1 but for what it overshoots, as pixels in 0…1.
    var asPicture: Tensor { affine(scale: 0.5, shift: 0.5).clamped(0, 1) }
}
