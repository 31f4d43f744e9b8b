import Checkpoints
import ConstrainedLearning
import Diffusion
import Distributed
import Foundation
import Layers
import Models
import Telemetry
import TensorCore
import WeightFiles

/// A product or a mixture on vectors, from configuration to `summary.json`.
final class CompositionRun {
    private let configuration: RunConfiguration
    private let session: RunSession
    private let schedule: NoiseSchedule
    /// In standardised coordinates, as everything that is computed here; what is written is not.
    private let given: [GivenModel]
    private let coordinates: Standardization
    private let quadrature: LogNoiseQuadrature
    private let work: CompositionWork

    init(_ configuration: RunConfiguration, _ session: RunSession) throws {
        self.configuration = configuration
        self.session = session
        schedule = try NoiseSchedule(configuration.schedule)
        (given, coordinates) = try session.communicator.failTogether(exitCode: exitCode(for:)) {
            [schedule] in
            try GivenModel.standardized(
                configuration.models.map { try GivenModel($0, dimension: configuration.dimension) }, schedule)
        }
        quadrature = try LogNoiseQuadrature(schedule)
        let evaluation = configuration.evaluation
        // An iteration has few samples where they come from chains; each then visits more levels.
        let isSampled = configuration.kind == .product && !configuration.isClosedProduct
        work = CompositionWork(
            training: DivergenceWork(
                batches: MicroBatches(
                    samples: configuration.trainingSamples, size: configuration.training.microBatch),
                stride: max(1, schedule.trainSteps / (isSampled ? 16 : 4))),
            evaluation: DivergenceWork(
                batches: MicroBatches(samples: evaluation.samples, size: evaluation.microBatch),
                stride: max(1, schedule.trainSteps / 4)),
            comparison: DivergenceWork(
                batches: MicroBatches(
                    samples: max(evaluation.samples / evaluation.microBatch / 8, 1) * evaluation.microBatch,
                    size: evaluation.microBatch),
                stride: max(1, schedule.trainSteps / 4)))
    }

    /// - Returns: the exit code: 0, or 75 if it was interrupted.
    func run() throws -> Int32 {
        warnOfUnresolvedScales()
        var networks: [ScoreNetwork] = []
        if configuration.score == .learned {
            guard let fitted = try FitPhase(given, configuration, schedule: schedule, session: session).run()
            else {
                return ExitStatus.requeue
            }
            networks = fitted
        }
        let models = scores(networks)
        let problem = try problem(models)
        if let tree = session.resumed, tree["dual/iteration"] != nil {
            try problem.restore(from: tree, at: "primal")
        }
        // Cross-entropies carry an arbitrary constant: a nat is their scale.
        let scale: Double? = configuration.kind == .mixture && configuration.constraint == .elbo ? 1 : nil
        let loop = PrimalDualRun(
            session: session, constraints: given.map { Constraint(name: $0.name, scale: scale) },
            domain: .simplex, measure: "divergence", limit: configuration.training.steps ?? 60,
            primalStepsPerIteration: 1, dual: configuration.dual,
            defaultTolerance: configuration.defaultTolerance)
        let primal = PrimalSide {
            try problem.update(multipliers: $0)
        } measurement: {
            Self.measurement(try problem.divergences(), $0)
        }
        let result = try loop.iterate(primal) { tree in
            FitPhase.save(networks, to: &tree)
            problem.save(to: &tree, at: "primal")
        }
        guard let result else { return ExitStatus.requeue }
        try conclude(problem, result, models)
        return 0
    }

    /// The coordinates make γ_1 small beside the narrowest model; Lemma 2 needs γ_T well above the widest too.
    private func warnOfUnresolvedScales() {
        let highest = schedule.noiseToSignal(at: schedule.trainSteps - 1)
        for model in given {
            let widest = (model.reference.covariance.eigenvalues.max() ?? 1).squareRoot()
            guard widest > highest / 5 else { continue }
            session.console.write(
                "warning: model \(model.name) is so much wider than the narrowest one that the schedule's largest "
                    + "noise is only \(NumberText.significant(highest / widest, digits: 2)) times its standard "
                    + "deviation: raise schedule.beta_end or schedule.train_steps")
        }
    }

    /// D_i − u with u = Σ λ_j D_j, the bound that the multipliers pay for.
    static func measurement(_ divergences: [Double], _ multipliers: [Double]) -> DualMeasurement {
        let dualValue = zip(multipliers, divergences).reduce(0) { $0 + $1.0 * $1.1 }
        let bound = divergences.max() ?? 0
        return DualMeasurement(
            measures: divergences, gradient: divergences, violations: divergences.map { $0 - dualValue },
            objective: bound, dualValue: dualValue, curvature: nil)
    }

    private func scores(_ networks: [ScoreNetwork]) -> [ScoreModel] {
        if configuration.score == .learned { return networks.map { .network($0.evaluator()) } }
        return given.compactMap(\.source.mixture).map { .exact($0, alphasCumprod: schedule.alphasCumprod) }
    }

    private func conclude(
        _ problem: any CompositionProblem, _ result: PrimalDualResult, _ models: [ScoreModel]
    )
        throws
    {
        let multipliers = result.multipliers
        session.console.write("settling at the average multipliers")
        try problem.settle(multipliers: multipliers)
        let divergences = try measured(problem, on: work.evaluation, "measuring")
        let bound = divergences.max() ?? 0
        let dualValue = zip(multipliers, divergences).reduce(0) { $0 + $1.0 * $1.1 }
        let constrained = try model(of: problem)
        let summary = Summary(
            kind: configuration.kind.rawValue,
            status: result.status.rawValue, iterations: result.iterations,
            names: given.map(\.name), multipliers: multipliers, lastMultipliers: result.lastMultipliers,
            violations: divergences.map { $0 - bound }, rewards: nil, thresholds: nil,
            divergences: divergences, bound: bound, objective: bound, dualValue: dualValue,
            gap: bound - dualValue, seconds: session.seconds, ranks: session.communicator.size)
        // Equal weights, for the picture and the table: the same primal side at λ = 1/m.
        session.console.write("settling at equal weights, to compare")
        try problem.settle(multipliers: given.map { _ in 1 / Double(given.count) })
        let equal = try measured(problem, on: work.comparison, "measuring equal weights")
        try session.writeModel(constrained)
        try session.writeTensors("samples.safetensors", try samples(constrained, model(of: problem), models))
        try session.write("baselines.json", ["equal_weights": ["divergences": equal]].sortedJSON())
        try session.write("summary.json", summary.json())
        report(summary, equal)
    }

    /// D_i of the settled p on fresh samples, with a progress bar.
    private func measured(
        _ problem: any CompositionProblem, on work: DivergenceWork, _ label: String
    ) throws -> [Double] {
        let batches = try RankLayout(
            ranks: session.communicator.size, items: 0, shards: configuration.ranks.shards
        ).microBatches(of: session.communicator.rank, count: work.batches.count)
        let bar = SharedProgress(label: label, total: batches.count, console: session.console)
        var work = work
        work.onBatch = { bar.advance() }
        defer { bar.finish() }
        return try problem.evaluate(work)
    }

    /// Samples for pictures: of the result, of equal weights, and of each given model.
    private func samples(
        _ constrained: VectorModel, _ equal: VectorModel, _ models: [ScoreModel]
    ) throws -> [String: Tensor] {
        let (range, seed) = (0..<1024, configuration.seed)
        var tensors = [
            "samples": try constrained.samples(range, seed: seed),
            "equal_weights": try equal.samples(range, seed: seed),
        ]
        for (index, model) in given.enumerated() {
            let own =
                configuration.score == .analytic
                ? model.source.samples(
                    range, key: RandomPurpose.evaluationData.key(seed: seed, model: index + 1))
                : try models[index].flowSamples(
                    range, schedule: schedule, dimension: configuration.dimension,
                    key: RandomPurpose.initialLatents.key(seed: seed))
            tensors["model/\(model.name)"] = coordinates.original(own)
        }
        return tensors
    }

    /// The settled model in the original coordinates.
    private func model(of problem: any CompositionProblem) throws -> VectorModel {
        var model = try problem.model()
        model.coordinates = coordinates
        return model
    }

    private func report(_ summary: Summary, _ equal: [Double]) {
        let numbers: ([Double]) -> String = { $0.map { String(format: "%.4f", $0) }.joined(separator: "  ") }
        session.console.write(
            """
            status        \(summary.status) after \(summary.iterations) iterations, \(Int(summary.seconds)) s
            models        \(summary.names.joined(separator: "  "))
            multipliers   \(numbers(summary.multipliers))
            divergences   \(numbers(summary.divergences ?? []))   \
            bound \(numbers([summary.bound ?? 0])), gap \(numbers([summary.gap]))
            equal weights \(numbers(equal))   bound \(numbers([equal.max() ?? 0]))
            """)
    }
}

extension CompositionRun {
    private func problem(_ models: [ScoreModel]) throws -> any CompositionProblem {
        switch configuration.kind {
        case .mixture: try mixture(models)
        default: try product(models)
        }
    }

    private func product(_ models: [ScoreModel]) throws -> any CompositionProblem {
        let gaussians = given.compactMap { $0.source.mixture?.gaussian }
        if configuration.score == .analytic, gaussians.count == given.count {
            return GaussianProduct(
                gaussians, quadrature: quadrature, work: work, seed: configuration.seed,
                communicator: session.communicator)
        }
        let mcmc = configuration.mcmc
        let levels = ProductChains.levels(
            schedule, count: mcmc.levels, iterations: mcmc.stepsPerLevel, stepSize: mcmc.stepSize)
        let chains = ProductChains(
            schedule: schedule, sampler: MCMCSampler(mcmc.sampler), levels: levels,
            chains: MicroBatches(samples: mcmc.chains, size: configuration.training.microBatch),
            dimension: configuration.dimension, seed: configuration.seed)
        let shards = try ModelShards(
            models, shards: configuration.ranks.shards, of: session.communicator)
        return ScoreProduct(
            shards, quadrature: quadrature, work: work, chains: chains, fit: fit(),
            updates: updates, seed: configuration.seed)
    }

    private func mixture(_ models: [ScoreModel]) throws -> any CompositionProblem {
        let measure = MixtureMeasure(
            members: try members(models), quadrature: quadrature, work: work, seed: configuration.seed)
        let mixtures = given.compactMap(\.source.mixture)
        if configuration.score == .analytic, mixtures.count == given.count {
            return ExactMixture(mixtures, measure, communicator: session.communicator)
        }
        return ScoreMixture(measure, fit: fit(), updates: updates, communicator: session.communicator)
    }

    private func members(_ models: [ScoreModel]) throws -> [MixtureMember] {
        try zip(given, models).enumerated().map { index, pair in
            let (model, score) = pair
            let entropy =
                configuration.constraint == .kl
                ? 0 : try entropy(of: model, score, index) + coordinates.entropyShift
            return MixtureMember(source: model.source, score: score, offset: entropy)
        }
    }

    /// H(q_i) by its own score, on as many samples as the evaluation.
    private func entropy(of model: GivenModel, _ score: ScoreModel, _ index: Int) throws -> Double {
        let spread = model.reference.covariance.eigenvalues.reduce(0, +)
        let seed = configuration.seed
        let total = try work.evaluation.batches.sum(over: session.communicator, scalars: 1) {
            [quadrature, work] samples in
            let noise = SampleNoise(
                RandomPurpose.evaluationNoise.key(seed: seed, model: index, step: 1),
                firstSample: samples.lowerBound)
            let x0 = model.source.samples(
                samples, key: RandomPurpose.evaluationData.key(seed: seed, model: index, step: 1))
            return Contribution(scalars: [
                try quadrature.crossEntropySum(
                    of: x0, spread: spread, noise: noise, stride: work.evaluation.stride, p: { score($0, $1) }
                )
            ])
        }
        return total.scalars[0] / Double(work.evaluation.batches.samples)
    }

    /// The network of the composed model; its reference starts at the moments of all given samples together.
    private func fit() -> DenoisingFit {
        var moments = Moments(given[0].reference)
        for (index, model) in given.enumerated().dropFirst() {
            moments.move(towards: Moments(model.reference), share: 1 / Double(index + 1))
        }
        let network = ScoreNetwork(
            configuration.network.sizes(dimension: configuration.dimension, schedule),
            alphasCumprod: schedule.alphasCumprod, reference: moments.gaussian() ?? given[0].reference,
            key: RandomPurpose.initialization.key(seed: configuration.seed, model: given.count))
        return DenoisingFit(
            network, DenoisingSettings(configuration), seed: configuration.seed, model: given.count)
    }

    private var updates: (each: Int, first: Int, settling: Int) {
        let each = configuration.training.primalSteps ?? 20
        return (each: each, first: configuration.pretraining.steps / 2, settling: 20 * each)
    }
}

extension Moments {
    init(_ gaussian: Gaussian) {
        let d = gaussian.dimension
        let covariance = gaussian.covariance.elements
        self.init(
            mean: gaussian.mean,
            products: (0..<d * d).map { covariance[$0] + gaussian.mean[$0 / d] * gaussian.mean[$0 % d] })
    }
}

extension DenoisingSettings {
    /// The composed model's network: a constant rate, since the data it learns from move.
    init(_ configuration: RunConfiguration) {
        let training = configuration.training
        self.init(
            steps: Int.max, batch: training.batch, microBatch: training.microBatch,
            learningRate: training.learningRate, weightDecay: training.weightDecay,
            gradientClip: training.gradientClip)
    }
}

extension MCMCSampler {
    init(_ sampler: MCMCConfiguration.Sampler) {
        switch sampler {
        case .ula: self = .ula
        case .mala: self = .mala
        case .uhmc: self = .uhmc(leapfrogSteps: 3, momentumPersistence: 0.9)
        case .hmc: self = .hmc(leapfrogSteps: 3)
        }
    }
}

extension NoiseSchedule {
    init(_ configuration: ScheduleConfiguration) throws {
        let kind: BetaSchedule =
            switch configuration.kind {
            case .linear: .linear
            case .scaledLinear: .scaledLinear
            case .cosine: .cosine
            }
        try self.init(
            kind, trainSteps: configuration.trainSteps, betaStart: configuration.betaStart,
            betaEnd: configuration.betaEnd)
    }
}

extension RunConfiguration {
    /// Samples on which divergences are measured each iteration: cheap where everything is a closed form; the
    /// chains' own where a product has none.
    var trainingSamples: Int {
        switch (kind, score) {
        case (.product, _) where !isClosedProduct: mcmc.chains
        case (_, .analytic): 8192
        case (_, .learned): 2048
        }
    }

    /// Whether all models are Gaussians with exact scores, so that their product is one too.
    var isClosedProduct: Bool {
        kind == .product && score == .analytic && models.allSatisfy(\.source.isGaussian)
    }
}

extension ModelConfiguration.Source {
    fileprivate var isGaussian: Bool {
        switch self {
        case .gaussian: true
        case .mixture(let components): components.count == 1
        case .samples: false
        }
    }
}
