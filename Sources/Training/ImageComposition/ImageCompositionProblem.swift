import Checkpoints
import Diffusion
import Distributed
import Foundation
import Models
import Telemetry
import TensorCore

/// What the dual ascent of Algorithm 3 needs of text-to-image models: KLs of their product at λ.
///
/// There is no primal step: the surrogate score follows λ at once. Numbers depend on (seed, iteration, sample) alone.
final class ImageCompositionProblem: @unchecked Sendable {
    let product: ImageProduct
    let pipeline: TextToImagePipeline
    /// Prompts of the samples, in turn; a single one for concepts.
    let prompts: [String]
    let size: ImageSize
    let configuration: ImageCompositionConfiguration
    /// Measurements made so far; numbers the random draws.
    private(set) var iterations = 0

    /// - Parameter texts: of the samples; the members themselves where those are concepts.
    /// - Throws: `DiffusionError`, and what reading adapters throws for weight space.
    init(
        _ configuration: ImageCompositionConfiguration, _ pipeline: TextToImagePipeline,
        _ members: ImageMembers, texts: [String]
    ) throws {
        product = try ImageProduct(configuration, pipeline, members, texts: texts)
        self.pipeline = pipeline
        prompts = configuration.hasConcepts ? [texts.joined(separator: " and ")] : texts
        size = try configuration.sampling.imageSize(pipeline)
        self.configuration = configuration
    }

    /// The base for the samples' texts, which a distilled adapter changes.
    var student: TextNetwork {
        pipeline.network(for: prompts, negative: configuration.sampling.negativePrompt)
    }

    /// KL(p_λ‖q_i) for every member, averaged over the samples of an iteration.
    func divergences(multipliers: [Double]) throws -> [Double] {
        let measured = try measure(
            .product(multipliers), on: trainingPopulation, 0..<configuration.training.samples)
        iterations += 1
        return measured.divergences.map { SampleMean($0).mean }
    }

    /// The random numbers of the next iteration.
    var trainingPopulation: CompositionPopulation {
        .training(step: configuration.training.draws == .fresh ? iterations : 0)
    }

    /// Draws consecutive samples of a model, whole micro-batches of them, and measures them.
    ///
    /// - Parameters:
    ///   - rewards: what images are scored by; nil leaves them undecoded, unless there are to be pictures.
    ///   - other: one more network to compare with.
    ///   - pictures: how many of the first images are kept, on rank 0.
    ///   - hasDivergences: whether KLs are measured at all.
    func measure(
        _ model: ComposedModel, on population: CompositionPopulation, _ range: Range<Int>,
        rewards: CompositionRewards? = nil, other: TextNetwork? = nil, pictures: Int = 0,
        hasDivergences: Bool = true, onBatch: @escaping @Sendable () -> Void = {}
    ) throws -> CompositionMeasurement {
        let members = product.members
        let communicator = members.communicator
        let batches = MicroBatches(
            samples: range.count, size: configuration.training.microBatch, first: range.lowerBound)
        let results = try communicator.failTogether(exitCode: exitCode(for:)) {
            try batches.map(on: communicator, shards: members.layout.shards) { range in
                defer { onBatch() }
                let start = self.start(range, population)
                let sample = try self.product.sample(model, start)
                let terms =
                    hasDivergences
                    ? try self.product.divergences(of: sample, model, start, other: other) : []
                let needsImages = rewards != nil || range.lowerBound < pictures
                return try members.together {
                    try self.result(
                        range, sample, terms, needsImages ? rewards : nil,
                        pictures: range.clamped(to: 0..<max(pictures, 0)), hasOther: other != nil)
                }
            }
        }
        return try CompositionMeasurement(
            results, of: range, members: members, rewards: rewards?.columns ?? 0, size: size)
    }

    /// What this rank contributes of one micro-batch.
    private func result(
        _ range: Range<Int>, _ sample: Tensor, _ terms: [[Double]], _ rewards: CompositionRewards?,
        pictures: Range<Int>, hasOther: Bool
    ) throws -> CompositionBatch {
        let members = product.members
        var parts = zip(Array(members.owned), terms).map {
            TablePart(rows: range, column: $0, values: $1)
        }
        // What is compared beside the members comes last, and every rank of the group has it.
        if hasOther, members.isSpeaker, let last = terms.last {
            parts.append(TablePart(rows: range, column: members.names.count, values: last))
        }
        guard rewards != nil || !pictures.isEmpty else { return CompositionBatch(parts: parts, pixels: []) }
        let images = withoutRecording { pipeline.images(of: sample).asPicture }
        if let rewards {
            let texts = range.map { prompts[$0 % prompts.count] }
            parts += try rewards.parts(images, texts, range, firstColumn: members.names.count + 1)
        }
        let shown = members.isSpeaker && !pictures.isEmpty ? images.slice(0..<pictures.count).floats : []
        return CompositionBatch(parts: parts, pixels: shown)
    }

    func start(_ range: Range<Int>, _ population: CompositionPopulation) -> CompositionStart {
        let key = { population.key($0, seed: self.configuration.seed) }
        let x = Tensor.normal(
            pipeline.latentShape(range.count, size), key: key(.initialLatents), firstSample: range.lowerBound)
        return CompositionStart(
            latents: x,
            noise: SampleNoise(key(.samplerNoise), firstSample: range.lowerBound).source(like: x),
            texts: range.map { $0 % prompts.count },
            divergenceNoise: SampleNoise(key(.divergenceNoise), firstSample: range.lowerBound))
    }

    /// x_0 of consecutive samples, of all sample groups, on every rank.
    func samples(_ model: ComposedModel, on population: CompositionPopulation, count: Int) throws -> Tensor {
        let members = product.members
        let communicator = members.communicator
        let batches = MicroBatches(samples: count, size: configuration.training.microBatch)
        let own = try communicator.failTogether(exitCode: exitCode(for:)) {
            try batches.map(on: communicator, shards: members.layout.shards) { range in
                try self.product.sample(model, self.start(range, population)).floats
            }
        }
        let all = try communicator.allGatherEach(members.isSpeaker ? own.flatMap { $0 } : [])
        return Tensor(all.flatMap { $0 }, shape: pipeline.latentShape(count, size))
    }
}

/// What samples are drawn for; each has random numbers of its own.
enum CompositionPopulation {
    case training(step: Int)
    case evaluation
    case distillation

    fileprivate func key(_ purpose: RandomPurpose, seed: UInt64) -> RandomKey {
        switch self {
        case .training(let step): purpose.key(seed: seed, step: step)
        case .evaluation: purpose.key(seed: seed, model: 1)
        case .distillation: purpose.key(seed: seed, model: 2)
        }
    }
}

/// What one rank has of a micro-batch.
struct CompositionBatch: Sendable {
    let parts: [TablePart]
    /// Of the images to be shown, in 0…1.
    let pixels: [Float]
}

extension CompositionMeasurement {
    fileprivate init(
        _ batches: [CompositionBatch], of range: Range<Int>, members: ImageMembers, rewards: Int,
        size: ImageSize
    ) throws {
        let m = members.names.count
        let table = try SampleTable(
            rows: range, columns: m + 1 + rewards, batches.flatMap(\.parts), over: members.communicator)
        let pixels = try members.communicator.gatherEach(batches.flatMap(\.pixels), root: 0) ?? []
        let all = pixels.flatMap { $0 }
        let each = size.height * size.width * 3
        self.init(
            divergences: (0..<m).map(table.column), other: table.column(m),
            rewards: (0..<rewards).map { table.column(m + 1 + $0) },
            pictures: stride(from: 0, to: all.count, by: each).map {
                PNGImage(
                    width: size.width, height: size.height, channels: .rgb,
                    values: Array(all[$0..<$0 + each]), range: 0...1)
            })
    }
}

extension ImageCompositionProblem: Resumable {
    func save(to tree: inout StateTree, at path: String) { tree.set(iterations, at: "\(path)/iterations") }

    func restore(from tree: StateTree, at path: String) throws {
        iterations = try tree.count("\(path)/iterations")
    }
}
