import Checkpoints
import Diffusion
import Distributed
import Foundation
import Layers
import Models
import Telemetry
import TensorCore

/// The first phase of a run with `score: learned`: every given model is fitted by a score network.
///
/// Ranks form as many groups as models allow; a group fits its share of the models, and the ranks of a group share
/// each batch. Groups meet every `roundLength` updates to see whether the run must stop.
struct FitPhase {
    static let roundLength = 25
    let models: [GivenModel]
    let settings: DenoisingSettings
    let seed: UInt64
    let session: RunSession
    /// Seconds between checkpoints; 0 for none but at an interruption.
    private let saveInterval: Double
    private let networks: [ScoreNetwork]

    init(
        _ models: [GivenModel], _ configuration: RunConfiguration, schedule: NoiseSchedule,
        session: RunSession
    ) {
        self.models = models
        self.settings = DenoisingSettings(configuration.pretraining)
        self.seed = configuration.seed
        self.session = session
        saveInterval = configuration.checkpoints.fitSeconds
        self.networks = models.indices.map { i in
            ScoreNetwork(
                configuration.network.sizes(dimension: configuration.dimension, schedule),
                alphasCumprod: schedule.alphasCumprod, reference: models[i].reference,
                key: RandomPurpose.initialization.key(seed: configuration.seed, model: i))
        }
    }

    /// The fitted networks on every rank, or nil if the run was interrupted (its state is then saved).
    func run() throws -> [ScoreNetwork]? {
        if let tree = session.resumed, tree["models/0/reference/mean"] != nil { return try restored(tree) }
        let world = session.communicator
        let shards = RankLayout.widestShards(ranks: world.size, items: models.count)
        let layout = try RankLayout(ranks: world.size, items: models.count, shards: shards)
        let group = try layout.groups(of: world).replicas
        let own = layout.items(of: world.rank)
        let fits = try own.map(fit)
        let most = (0..<world.size).map { layout.items(of: $0).count }.max() ?? 0
        let isFinished = try fitInRounds(fits, over: group, longest: most * settings.steps) {
            try save(fits, own, isFirstOfGroup: group.rank == 0)
        }
        return isFinished ? try shared(finished(fits, over: group), layout) : nil
    }

    /// The fit of a model, from the beginning or where it was interrupted.
    private func fit(_ model: Int) throws -> DenoisingFit {
        let fit = DenoisingFit(networks[model], settings, seed: seed, model: model)
        if let tree = session.resumed { try fit.restore(from: tree, at: "fits/\(model)") }
        return fit
    }

    /// - Returns: false if the run was interrupted; its state is then saved.
    private func fitInRounds(
        _ fits: [DenoisingFit], over group: any Communicator, longest: Int, save: () throws -> Void
    ) throws -> Bool {
        // Every rank makes the same number of rounds, those with fewer models idle ones, so that all meet.
        let left = fits.reduce(0) { $0 + settings.steps - $1.step }
        let first = longest - Int(try session.communicator.allReduce(Int64(left), .maximum))
        let progress =
            session.isRoot && first < longest
            ? ProgressBar(label: "fitting", total: longest, start: first, console: session.console) : nil
        for start in stride(from: first, to: longest, by: Self.roundLength) {
            var loss: Double?
            try session.communicator.failTogether(exitCode: exitCode(for:)) {
                do {
                    loss = try round(fits, over: group)
                } catch let error as any AgreedError {
                    // Agreed within this group only: the other groups must hear of it.
                    throw FitError(group: error)
                }
            }
            progress?.update(
                min(longest, start + Self.roundLength),
                note: loss.map { String(format: "loss %.4f", $0) } ?? "")
            if try session.pendingInterruption() {
                try save()
                session.announceInterruption()
                return false
            }
            if saveInterval > 0, try session.isSaveDue(every: saveInterval) { try save() }
        }
        progress?.finish()
        return true
    }

    /// - Returns: the last loss, nil where nothing was left to do.
    private func round(_ fits: [DenoisingFit], over group: any Communicator) throws -> Double? {
        var budget = Self.roundLength
        var loss: Double?
        for fit in fits {
            while fit.step < settings.steps, budget > 0 {
                loss = try update(fit, over: group)
                budget -= 1
            }
        }
        return loss
    }

    private func update(_ fit: DenoisingFit, over group: any Communicator) throws -> Double {
        let model = index(of: fit)
        let (source, seed) = (models[model].source, seed)
        return try fit.update(
            from: { samples, step in
                let key = RandomPurpose.data.key(seed: seed, model: model, step: step)
                return (source.samples(samples, key: key), nil)
            }, over: group)
    }

    /// The averaged networks of this group's models, shrunk; models by index.
    private func finished(
        _ fits: [DenoisingFit], over group: any Communicator
    ) throws -> [Int: ScoreNetwork] {
        var averages: [Int: ScoreNetwork] = [:]
        for fit in fits {
            let model = index(of: fit)
            let (source, average) = (models[model].source, fit.averaged())
            let key = RandomPurpose.evaluationData.key(seed: seed, model: model, step: 2)
            let factor = try Shrinkage(seed: seed, model: model)
                .factor(of: average, { source.samples($0, key: key) }, over: group)
            average.mlp.scale(by: factor)
            averages[model] = average
        }
        return averages
    }

    private func index(of fit: DenoisingFit) -> Int { networks.firstIndex { $0 === fit.network } ?? 0 }

    /// Gathers every group's state on rank 0 and saves it; checkpoints of this phase count all updates.
    private func save(_ fits: [DenoisingFit], _ own: Range<Int>, isFirstOfGroup: Bool) throws {
        var tree = StateTree()
        if isFirstOfGroup {
            for (fit, model) in zip(fits, own) { fit.save(to: &tree, at: "fits/\(model)") }
        }
        let updates = isFirstOfGroup ? fits.reduce(0) { $0 + $1.step } : 0
        let step = try session.communicator.allReduce(Int64(updates), .sum)
        let images = try session.communicator.gatherEach(HDF5Image.encode(tree), root: 0)
        var whole = StateTree()
        for image in images ?? [] {
            let part = try HDF5Image.decode(image)
            for path in part.paths { whole[path] = part[path] }
        }
        try session.save(step: Int(step), whole, in: .preparation)
    }

    /// Broadcasts weights from the ranks that fitted them.
    private func shared(_ averages: [Int: ScoreNetwork], _ layout: RankLayout) throws -> [ScoreNetwork] {
        let world = session.communicator
        for (model, network) in networks.enumerated() {
            let owner = layout.owner(of: model, dataIndex: 0)
            let own = averages[model]?.parameters
            for (index, parameter) in network.parameters.enumerated() {
                let values = own?[index].value.detached.floats ?? []
                parameter.assign(Tensor(try world.broadcast(values, root: owner), shape: parameter.shape))
            }
        }
        return frozen()
    }

    private func restored(_ tree: StateTree) throws -> [ScoreNetwork] {
        for (model, network) in networks.enumerated() {
            try network.restore(from: tree, at: "models/\(model)")
        }
        return frozen()
    }

    private func frozen() -> [ScoreNetwork] {
        for network in networks { network.parameters.forEach { $0.isTrainable = false } }
        return networks
    }

    /// Adds the fitted networks to a checkpoint.
    static func save(_ networks: [ScoreNetwork], to tree: inout StateTree) {
        for (model, network) in networks.enumerated() {
            network.save(to: &tree, at: "models/\(model)")
            tree.set(network.reference.mean, at: "models/\(model)/reference/mean")
            tree.set(network.reference.covariance.elements, at: "models/\(model)/reference/covariance")
        }
    }
}

/// What went wrong in one group of ranks.
struct FitError: ExitCoded, CustomStringConvertible {
    let group: any AgreedError

    var exitCode: Int32 { (group as? RankError)?.exitCode ?? ExitStatus.internal }
    var description: String { "\(group)" }
}

extension DenoisingSettings {
    init(_ configuration: PretrainingConfiguration) {
        self.init(
            steps: configuration.steps, batch: configuration.batch, microBatch: configuration.microBatch,
            learningRate: configuration.learningRate, weightDecay: configuration.weightDecay,
            gradientClip: configuration.gradientClip)
    }
}

extension NetworkConfiguration {
    func sizes(dimension: Int, _ schedule: NoiseSchedule) -> ScoreMLPConfiguration {
        ScoreMLPConfiguration(
            dimension: dimension, timesteps: schedule.trainSteps, hidden: hidden, blocks: blocks,
            widening: widening, embedding: embedding)
    }
}
