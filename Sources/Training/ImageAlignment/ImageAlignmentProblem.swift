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
    /// What it keeps for the backward pass may be set before the first update.
    var chain: ImageChain
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
        let total = try work.sum(
            arrays: adapter.namedParameters.map { ($0.name, $0.parameter.shape) },
            scalars: ImageMeasurement.scalarCount(rewards: constraints.count), weights: weights, size: size,
            prompts: { self.prompts.texts(self.promptChoice(of: $0)) }
        ) { range in
            let start = self.start(
                range, self.prompts, self.promptChoice(of: range),
                latents: self.key(.initialLatents), noise: self.key(.samplerNoise))
            return try self.pending(self.chain, start, range, first, observe)
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
        prompts.texts(promptChoice(of: 0..<training.batch))
    }

    /// Which prompt each of the next update's images has.
    private func promptChoice(of images: Range<Int>) -> [Int] {
        let first = updates * training.batch
        return prompts.shuffled(first + images.lowerBound..<first + images.upperBound) {
            RandomPurpose.prompts.key(seed: seed, step: $0)
        }
    }

    /// Samples one micro-batch; what remains is the way back once the scores are there.
    private func pending(
        _ chain: ImageChain, _ start: ImageChain.Start, _ range: Range<Int>, _ first: Int,
        _ observe: (@Sendable (TracedBatch) -> Void)? = nil
    ) throws -> PendingImages {
        let run = try chain.run(start, adapter, from: first)
        let latents = run.sample.tracked()
        let decoded = chain.pipeline.images(of: latents, memory: chain.memory.ofDecoder)
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
    /// Sums of rewards and divergence (`ImageMeasurement`) on fresh images, without changing anything.
    ///
    /// - Parameters:
    ///   - images: which of the population, a multiple of the micro-batch.
    ///   - withAdapter: false for the base, from the same latents.
    func sums(
        _ population: ImagePopulation, _ prompts: PromptTable, _ images: Range<Int>, withAdapter: Bool,
        onBatch: @escaping @Sendable () -> Void = {}
    ) throws -> [Double] {
        try ImageWork(
            batches: MicroBatches(samples: images.count, size: training.microBatch, first: images.lowerBound),
            exchange: work.exchange, communicator: work.communicator
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
        }.scalars
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

    /// Measures what an image takes on this rank if a chain keeps `memory`.
    ///
    /// One image goes through the first two steps, of which the second is differentiated, the decoder and the rewards.
    func memory(keeping memory: ChainMemory) throws -> ImageMemory {
        let allocator = CPUBackend.shared.allocator
        let probe = chain.beginning(steps: 2, keeping: memory)
        let last = probe.steps.count - 1
        let start = start(0..<1, prompts, [0], latents: key(.initialLatents), noise: key(.samplerNoise))
        let before = allocator.statistics.inUse
        let kept = try withExtendedLifetime(probe.run(start, adapter, from: last)) { _ in
            allocator.statistics.inUse - before
        }
        allocator.resetPeak()
        let pending = try pending(probe, start, 0..<1, last)
        let scores = try work.exchange.panel.scores(
            pending.images, prompts: prompts.texts([0]), weights: constraints.map { _ in 1 })
        _ = try pending.finish(scores)
        return ImageMemory(peak: allocator.statistics.peak - before, perStep: kept)
    }

    /// Steps from the smallest K on.
    var mostDifferentiatedSteps: Int {
        chain.steps.count - training.truncation.earliestStep(of: chain.steps.count)
    }

    /// Images that are differentiated at the same time on this rank.
    func imagesAtOnce(threads: Int) -> Int {
        let layout = work.exchange.layout
        let own = layout.ownMicroBatches(of: work.communicator.rank, count: work.batches.count).count
        return training.microBatch * (layout.shards > 1 ? 1 : max(1, min(threads, own)))
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
