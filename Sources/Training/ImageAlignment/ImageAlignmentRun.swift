import Checkpoints
import ConstrainedLearning
import Diffusion
import Distributed
import Foundation
import Layers
import Models
import Rewards
import Telemetry
import TensorCore
import WeightFiles

/// The alignment of a text-to-image model (Algorithm 1), from configuration to `summary.json`.
final class ImageAlignmentRun {
    let configuration: ImageAlignmentConfiguration
    let session: RunSession
    let trace: String?
    let pipeline: TextToImagePipeline
    let prompts: PromptTable
    let heldOut: PromptTable?
    let problem: ImageAlignmentProblem
    /// On rank 0.
    private let sources: RunSources
    /// The largest resident memory that this rank should have.
    private(set) var expectedMemory: Int?

    /// - Parameter trace: file for what the first update of this start computes.
    init(_ configuration: ImageAlignmentConfiguration, _ session: RunSession, trace: String?) throws {
        self.configuration = configuration
        self.session = session
        self.trace = trace
        let communicator = session.communicator
        let pipeline = try communicator.failTogether(exitCode: exitCode(for:)) {
            try TextToImagePipeline(
                directory: configuration.model, as: configuration.dtype == .bf16 ? .bfloat16 : .float32)
        }
        self.pipeline = pipeline
        let negative = configuration.sampling.negativePrompt
        let texts = try communicator.failTogether(exitCode: exitCode(for:)) {
            try configuration.prompts.texts()
        }
        sources = try communicator.failTogether(exitCode: exitCode(for:)) {
            guard session.isRoot else { return RunSources() }
            let sources = try configuration.sources(texts: texts)
            if let tree = session.resumed { try sources.check(against: tree) }
            return sources
        }
        prompts = PromptTable(texts, negative: negative, pipeline)
        heldOut = configuration.evaluation.heldOut.map {
            PromptTable($0, negative: negative, pipeline)
        }
        for note in pipeline.notes(on: texts + (configuration.evaluation.heldOut ?? [])) {
            session.console.write("note: \(note)")
        }
        let exchange = try RewardExchange(
            configuration.rewards, shards: configuration.ranks.shards, of: communicator)
        problem = try communicator.failTogether(exitCode: exitCode(for:)) { [prompts] in
            ImageAlignmentProblem(
                chain: try ImageChain(configuration, pipeline),
                adapter: try LoRAAdapter(configuration, pipeline), exchange: exchange, prompts: prompts,
                size: try configuration.sampling.imageSize(pipeline), configuration, communicator)
        }
    }

    /// - Returns: the exit code: 0, or 75 if it was interrupted.
    func run() throws -> Int32 {
        do {
            try planMemory()
            try prepare()
            guard let result = try iterate() else { return ExitStatus.requeue }
            try conclude(result)
            return 0
        } catch is Interruption {
            return ExitStatus.requeue
        }
    }

    /// - Returns: nil if the run was interrupted; its state is then saved.
    private func iterate() throws -> PrimalDualResult? {
        let dual = configuration.dual
        let loop = PrimalDualRun(
            session: session,
            constraints: problem.constraints.map { Constraint(name: $0.name, threshold: $0.threshold) },
            domain: .nonnegative, measure: "reward", limit: configuration.training.steps,
            primalStepsPerIteration: configuration.training.primalSteps, dual: dual,
            // Weights set by hand converge to nothing that a residual could tell.
            defaultTolerance: dual.rule == .fixed ? .leastNormalMagnitude : Self.tolerance,
            extras: ["divergence", "gradient_norm", "learning_rate", "truncation_step"])
        let primal = PrimalSide { [self] in
            try update(multipliers: $0)
        } measurement: { [self] in
            guard let latest = problem.latest else { throw TrainingError.notStarted("the alignment") }
            return measurement(latest, $0)
        }
        return try loop.iterate(
            primal, observe: preview, files: { try [Self.adapterName: self.adapterFile()] }
        ) { [problem, sources] in
            problem.save(to: &$0, at: "primal")
            sources.save(to: &$0)
        }
    }

    /// Chooses what chains keep, and refuses an update that will not fit.
    private func planMemory() throws {
        let communicator = session.communicator
        let training = configuration.training
        let plan = try communicator.failTogether(exitCode: exitCode(for:)) {
            let plan = try problem.memoryPlan(training.memory, threads: Parallel.threads) {
                training.budget(fixed: $0, ranks: communicator.localSize)
            }
            if plan.chosen == nil, let budget = plan.budget {
                throw MemoryBudgetError(plan: plan, budget: budget, microBatch: training.microBatch)
            }
            return plan
        }
        guard let level = plan.chosen else { return }
        problem.chain.memory = level.memory
        expectedMemory = plan.predicted
        let budget = plan.budget.map { ", may take \(size($0))" } ?? ""
        session.console.write(
            "memory: keeps \(level.memory), should take \(size(plan.fixed + level.bytes)) in a rank\(budget)")
    }

    static let adapterName = LoRAAdapter.fileName
    /// What some dozens of images let one see of a violation in standard deviations.
    private static let tolerance = 0.02

    // MARK: Iterations

    private func update(multipliers: [Double]) throws {
        guard let trace, !isTraced else {
            try problem.update(multipliers: multipliers)
            return
        }
        isTraced = true
        let prompts = try String(decoding: problem.nextPrompts.sortedJSON(), as: UTF8.self)
        let parameters = problem.adapter.namedParameters.map {
            (name: $0.name, value: $0.parameter.value.detached.copied())
        }
        let record = ImageTrace()
        let gradients = try problem.update(multipliers: multipliers) { record.add($0) }
        let tensors = try record.tensors(
            problem, multipliers: multipliers, gradients: gradients,
            parameters: parameters, over: session.communicator)
        try session.communicator.failTogether(exitCode: exitCode(for:)) {
            guard session.isRoot else { return }
            try SafetensorsFile.write(tensors, metadata: ["prompts": prompts], to: trace)
        }
    }

    private var isTraced = false

    func measurement(_ measured: ImageMeasurement, _ multipliers: [Double]) -> DualMeasurement {
        let rewards = zip(problem.constraints, measured.means).map { $0.scale.normalized($1) }
        let violations = zip(problem.constraints, rewards).map { $0.violation(of: $1) }
        let objective = configuration.objective.klCoefficient * measured.divergence
        let slack = zip(multipliers, violations).reduce(0) { $0 + $1.0 * $1.1 }
        return DualMeasurement(
            measures: rewards, gradient: violations, violations: violations, objective: objective,
            dualValue: objective + slack, curvature: nil,
            extras: [
                measured.divergence, problem.progress.gradientNorm, problem.progress.learningRate,
                Double(problem.progress.truncationStep),
            ])
    }

    private func preview(_ iteration: Int, _ log: RunLog?) throws {
        let every = configuration.evaluation.previewEvery
        guard every > 0, iteration % every == 0 else { return }
        try session.communicator.failTogether(exitCode: exitCode(for:)) {
            guard let log else { return }
            let pictures = try pictures(.preview, prompts, withAdapter: true)
            try log.write("samples", ImageGrid(pictures, columns: 4).rendered(), iteration: iteration)
        }
    }

    // MARK: Base

    /// Restores what is resumed, else finds the units of the thresholds.
    private func prepare() throws {
        if let tree = session.resumed, tree["dual/iteration"] != nil {
            try problem.restore(from: tree, at: "primal")
        } else {
            try measureBase()
        }
    }

    /// The units of thresholds with `normalize: base`, from a file or measured on all ranks.
    private func measureBase() throws {
        guard configuration.rewards.contains(where: { $0.normalize == .base }) else { return }
        let file = configuration.statistics.file
        let known = try file.flatMap(knownStatistics)
        let statistics = try known ?? measuredStatistics()
        if known == nil {
            try session.communicator.failTogether(exitCode: exitCode(for:)) {
                if session.isRoot, let file { try DurableFile.replace(file, Array(statistics.sortedJSON())) }
            }
        }
        try session.write(BaseStatistics.fileName, statistics.sortedJSON(.prettyPrinted))
        try problem.scaleRewards(by: statistics.scales(configuration.rewards))
    }

    /// What rank 0 finds in the file; the others may not see it.
    private func knownStatistics(in file: String) throws -> BaseStatistics? {
        let communicator = session.communicator
        let bytes = try communicator.failTogether(exitCode: exitCode(for:)) { () -> [UInt8] in
            guard session.isRoot, FileManager.default.fileExists(atPath: file) else { return [] }
            return Array(try Data(contentsOf: URL(fileURLWithPath: file)))
        }
        let shared = try communicator.broadcast(bytes, root: 0)
        guard !shared.isEmpty else { return nil }
        return try communicator.failTogether(exitCode: exitCode(for:)) {
            try BaseStatistics(Data(shared), of: file, for: configuration, prompts: prompts.prompts)
        }
    }

    private func measuredStatistics() throws -> BaseStatistics {
        let samples = configuration.statistics.batches * configuration.training.batch
        var measurements = PartialMeasurements()
        if let tree = session.resumed { measurements = try PartialMeasurements(from: tree, at: "base") }
        let measured = try measured(
            .base, prompts, samples, withAdapter: false, "measuring the base model", &measurements
        ) { measurements in
            var tree = StateTree()
            measurements.save(to: &tree, at: "base")
            try session.save(step: measurements.samples, tree, in: .preparation)
        }
        return BaseStatistics(measured, configuration, prompts: prompts.prompts)
    }

    /// Measures what is still to be measured of a population.
    ///
    /// The run can stop after every part of as many images as an update has.
    ///
    /// - Parameters:
    ///   - measurements: takes up the parts.
    ///   - save: writes a checkpoint with them.
    /// - Throws: `Interruption`.
    func measured(
        _ population: ImagePopulation, _ prompts: PromptTable, _ samples: Int, withAdapter: Bool,
        _ label: String, _ measurements: inout PartialMeasurements,
        save: (PartialMeasurements) throws -> Void
    ) throws -> ImageMeasurement {
        let name = "\(population)-\(withAdapter ? "aligned" : "base")"
        let parts = measurements.remaining(of: name, samples: samples).chunks(
            of: configuration.training.batch)
        let bar = SharedProgress(
            label: label, total: try parts.reduce(0) { try $0 + ownMicroBatches(of: $1) },
            console: session.console)
        defer { bar.finish() }
        for part in parts {
            let sums = try problem.sums(population, prompts, part, withAdapter: withAdapter) { bar.advance() }
            measurements.add(sums, samples: part.count, to: name)
            try session.stopIfAsked { try save(measurements) }
        }
        return ImageMeasurement(
            sums: measurements.scalars(of: name), rewards: problem.constraints.count, samples: samples)
    }

    /// How many micro-batches of so many images are this rank's.
    private func ownMicroBatches(of images: Range<Int>) throws -> Int {
        let communicator = session.communicator
        return try RankLayout(ranks: communicator.size, items: 0, shards: 1)
            .ownMicroBatches(of: communicator.rank, count: images.count / configuration.training.microBatch)
            .count
    }
}

extension Range<Int> {
    /// Consecutive ranges of `size`; the last one may be shorter.
    fileprivate func chunks(of size: Int) -> [Range<Int>] {
        stride(from: lowerBound, to: upperBound, by: size).map { $0..<Swift.min($0 + size, upperBound) }
    }
}

extension ImageChain {
    init(_ configuration: ImageAlignmentConfiguration, _ pipeline: TextToImagePipeline) throws {
        let objective = configuration.objective
        let weights: PathwiseWeights = objective.weights == .exact ? .exact : .uniform
        let steps = try pipeline.scheduler.steps(
            count: configuration.sampling.steps, eta: configuration.sampling.eta)
        try weights.check(steps: steps, prediction: pipeline.scheduler.prediction)
        self.init(
            pipeline: pipeline, schedule: try pipeline.scheduler.schedule(), steps: steps,
            guidance: configuration.sampling.guidance, weights: weights,
            isThroughStates: objective.gradient == .throughStates, memory: .activations)
    }
}

extension LoRAAdapter {
    /// A fresh adapter, or the file to start from.
    convenience init(_ configuration: ImageAlignmentConfiguration, _ pipeline: TextToImagePipeline) throws {
        let adapter = configuration.adapter
        guard let path = adapter.initial else {
            try AdapterTargetError.check(adapter.targets, of: pipeline.unet, key: "adapter.targets")
            self.init(
                adapting: pipeline.unet, targets: adapter.targets, rank: adapter.rank, alpha: adapter.alpha,
                key: RandomPurpose.initialization.key(seed: configuration.seed))
            return
        }
        do {
            try self.init(LoRAFile(path: path).unet, adapting: pipeline.unet, isTrainable: true)
        } catch let mismatch as AdapterMismatch {
            throw AdapterFitError(path: path, mismatch: mismatch)
        }
    }
}

extension ImageAlignmentConfiguration {
    /// What may not change while a run goes on.
    fileprivate func sources(texts: [String]) throws -> RunSources {
        var sources = RunSources()
        try sources.add(contentsOf: model, components: RunSources.pipelineComponents, for: "model")
        sources.add(texts, for: "prompts")
        for (index, reward) in rewards.enumerated() {
            guard let weights = reward.weights else { continue }
            try sources.add(contentsOf: weights, for: "rewards[\(index)].weights")
        }
        return sources
    }
}

/// Targets that no layer's name ends with.
struct AdapterTargetError: ExitCoded, CustomStringConvertible {
    let key: String
    let targets: [String]

    /// - Throws: itself where no layer of the model can be adapted.
    static func check(_ targets: [String], of model: some CompositeModule, key: String) throws {
        let isFound = model.adaptableLayers.contains { targets.contains(where: $0.isNamed) }
        guard isFound else { throw AdapterTargetError(key: key, targets: targets) }
    }

    var exitCode: Int32 { ExitStatus.configuration }

    var description: String {
        "\(key): no layer of the UNet that can be adapted ends with any of \(targets); "
            + "the usual ones are \(LoRAAdapter.attentionTargets)"
    }
}

extension ImageSamplingConfiguration {
    /// - Throws: `ImageSizeError` unless it is a multiple of the autoencoder's factor.
    func imageSize(_ pipeline: TextToImagePipeline) throws -> ImageSize {
        let factor = pipeline.autoencoder.configuration.downsampling
        let size = ImageSize(
            height: height ?? pipeline.defaultSize.height, width: width ?? pipeline.defaultSize.width)
        for (key, side) in [("height", size.height), ("width", size.width)] where side % factor != 0 {
            throw ImageSizeError(key: "sampling.\(key)", side: side, factor: factor)
        }
        return size
    }
}

/// A side that the autoencoder cannot make.
struct ImageSizeError: ExitCoded, CustomStringConvertible {
    let key: String
    let side: Int
    let factor: Int

    var exitCode: Int32 { ExitStatus.configuration }

    var description: String {
        "\(key) is \(side), must be a multiple of \(factor) (the autoencoder's factor): "
            + "\(side / factor * factor) or \((side / factor + 1) * factor)"
    }
}
