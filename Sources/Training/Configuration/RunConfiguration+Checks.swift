import Foundation

extension RunConfiguration {
    /// What is wrong between the parts; what is wrong within one is found where it is described.
    func check(at path: ConfigurationPath, _ reader: ConfigurationReader) {
        checkModels(reader)
        checkRewards(reader)
        reader.requireDistinctNames(models.map(\.name), at: "models")
        reader.requireDistinctNames(rewards.map(\.name), at: "rewards")
        checkSampling(reader)
        checkSizes(reader)
        checkInitialMultipliers(reader)
    }

    /// Reports a kind that another command solves.
    func checkKind(among kinds: Set<Kind>, _ reader: ConfigurationReader) {
        reader.require(kinds.contains(kind), at: "kind") {
            "`\(kind.rawValue)` is solved by `saddle \(kind.command)`, not by this command"
        }
    }

    /// Reports files of samples that cannot be read.
    func checkSampleFiles(_ reader: ConfigurationReader) {
        for (index, model) in models.enumerated() {
            guard case .samples(let file) = model.source else { continue }
            let place = ConfigurationPath("models")[index].key("samples")
            guard reader.isRead(place), !ConfigurationSource.isReadable(file: file) else { continue }
            reader.report(
                "there is no file \(file) that can be read; relative paths start from \(reader.directory)",
                at: place, isMissingFile: true)
        }
    }

    private func checkModels(_ reader: ConfigurationReader) {
        let (least, most) = kind.modelCounts
        reader.require(models.count >= least && models.count <= most, at: "models", with: ["kind"]) {
            let wanted =
                least == most
                ? "exactly \(least)" : models.count < least ? "at least \(least)" : "at most \(most)"
            return "\(kind.rawValue) takes \(wanted), found \(models.count)"
        }
        for (index, model) in models.enumerated() {
            let place = ConfigurationPath("models")[index]
            model.check(dimension: dimension, at: place, reader)
            guard case .samples = model.source else { continue }
            reader.require(score == .learned, at: place.key("samples"), with: ["score"]) {
                "no exact score is known for samples; use `score: learned`, which fits a network to them"
            }
        }
        reader.require(kind != .pretraining || score == .learned, at: "score", with: ["kind"]) {
            "pretraining fits networks, so there is nothing to do with analytic scores; remove `score`"
        }
    }

    private func checkRewards(_ reader: ConfigurationReader) {
        guard kind == .alignment else { return }
        reader.require(!rewards.isEmpty, at: "rewards", with: ["kind"]) {
            "alignment needs at least one; add e.g. `- {name: right, mean: true, threshold: 0.5}`"
        }
        reader.require(rewards.count <= Self.mostConstraints, at: "rewards") {
            "\(rewards.count) are more constraints than sense; at most \(Self.mostConstraints)"
        }
        for (index, reward) in rewards.enumerated() {
            reward.check(dimension: dimension, at: ConfigurationPath("rewards")[index], reader)
        }
    }

    private func checkSampling(_ reader: ConfigurationReader) {
        reader.require(
            sampling.steps <= schedule.trainSteps, at: "sampling.steps", with: ["schedule.train_steps"]
        ) {
            "\(sampling.steps) is more than schedule.train_steps = \(schedule.trainSteps); set both"
        }
        reader.require(kind != .alignment || sampling.eta > 0, at: "sampling.eta", with: ["kind"]) {
            "alignment needs more than 0: the KL of a deterministic chain is infinite (path-wise weights "
                + "c²/2σ² with σ = 0)"
        }
    }

    private func checkSizes(_ reader: ConfigurationReader) {
        let (size, place): (Int, ConfigurationPath) = (training.microBatch, "training.micro_batch")
        if kind == .product {
            reader.require(mcmc.chains % size == 0, at: "mcmc.chains", with: [place, "kind"]) {
                "\(mcmc.chains) is no multiple of \(place) = \(size)"
            }
        }
        if kind == .mixture || isClosedProduct {
            reader.require(trainingSamples % size == 0, at: place, with: ["kind", "score"]) {
                "\(size) does not divide the \(trainingSamples) samples of an iteration; use a power of two"
            }
        }
    }

    private func checkInitialMultipliers(_ reader: ConfigurationReader) {
        guard let initial = dual.initial else { return }
        let place: ConfigurationPath = "dual.initial"
        guard kind != .pretraining else {
            reader.require(false, at: place, with: ["kind"]) { "pretraining has no constraints; remove it" }
            return
        }
        let (list, count): (ConfigurationPath, Int) =
            kind == .alignment ? ("rewards", rewards.count) : ("models", models.count)
        let fits = reader.require(initial.count == count, at: place, with: ["kind", list]) {
            "has \(initial.count) numbers, expected one for each of the \(count) \(list)"
        }
        guard fits, kind != .alignment else { return }
        let sum = initial.reduce(0, +)
        reader.require(abs(sum - 1) <= 1e-6, at: place) {
            "sums to \(sum); the multipliers of a composition are weights that sum to 1"
        }
    }

    /// More than this are more than anyone can tell apart in the result.
    static let mostConstraints = 64
}

extension RunConfiguration.Kind {
    /// The command that solves it.
    var command: String {
        switch self {
        case .product, .mixture: "compose"
        case .alignment: "align"
        case .pretraining: "pretrain"
        }
    }

    fileprivate var modelCounts: (least: Int, most: Int) {
        switch self {
        case .product, .mixture: (2, RunConfiguration.mostConstraints)
        case .alignment: (1, 1)
        case .pretraining: (1, RunConfiguration.mostConstraints)
        }
    }
}
