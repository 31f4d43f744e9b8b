import Checkpoints
import ConstrainedLearning
import Diffusion
import Distributed
import Foundation
import Models
import Rewards
import TensorCore

/// An alignment on vectors (Algorithm 1), from configuration to `summary.json`.
final class AlignmentRun {
    private let configuration: RunConfiguration
    private let session: RunSession
    private let schedule: NoiseSchedule
    private let given: GivenModel
    private let batch: MicroBatches
    private let evaluation: MicroBatches

    init(_ configuration: RunConfiguration, _ session: RunSession) throws {
        self.configuration = configuration
        self.session = session
        schedule = try NoiseSchedule(configuration.schedule)
        given = try session.communicator.failTogether(exitCode: exitCode(for:)) {
            try GivenModel(configuration.models[0], dimension: configuration.dimension)
        }
        let (training, measuring) = (configuration.training, configuration.evaluation)
        batch = MicroBatches(samples: training.batch, size: training.microBatch)
        evaluation = MicroBatches(samples: measuring.samples, size: measuring.microBatch)
    }

    /// - Returns: the exit code: 0, or 75 if it was interrupted.
    func run() throws -> Int32 {
        var networks: [ScoreNetwork] = []
        if configuration.score == .learned {
            guard
                let fitted = try FitPhase([given], configuration, schedule: schedule, session: session).run()
            else { return ExitStatus.requeue }
            networks = fitted
        }
        let problem = try problem(networks.first)
        if let tree = session.resumed, tree["dual/iteration"] != nil {
            try problem.restore(from: tree, at: "primal")
        }
        let loop = PrimalDualRun(
            session: session,
            constraints: problem.constraints.map {
                Constraint(name: $0.reward.name, threshold: $0.threshold)
            },
            domain: .nonnegative, measure: "reward",
            limit: configuration.training.steps ?? 100,
            primalStepsPerIteration: configuration.training.primalSteps ?? 2, dual: configuration.dual,
            defaultTolerance: configuration.defaultTolerance)
        let primal = PrimalSide {
            try problem.update(multipliers: $0)
        } measurement: {
            try self.measurement(problem, $0)
        }
        let result = try loop.iterate(primal) { tree in
            FitPhase.save(networks, to: &tree)
            problem.save(to: &tree, at: "primal")
        }
        guard let result else { return ExitStatus.requeue }
        try conclude(problem, result, networks.first)
        return 0
    }

    /// Whether shifts that do not depend on the state are optimal.
    private var isAffine: Bool {
        given.source.mixture?.gaussian != nil && configuration.rewards.allSatisfy(\.function.isLinear)
    }

    private func problem(_ network: ScoreNetwork?) throws -> AlignmentProblem {
        let steps = ddimSteps(schedule, count: configuration.sampling.steps, eta: configuration.sampling.eta)
        try PathwiseWeights.exact.check(steps: steps)
        let base: ScoreModel =
            if let network {
                .network(network.evaluator())
            } else {
                .exact(
                    given.source.mixture ?? GaussianMixture(given.reference),
                    alphasCumprod: schedule.alphasCumprod)
            }
        let chain = AlignmentChain(
            base: { base($0, $1) }, steps: steps, dimension: configuration.dimension)
        let correction = StepwiseCorrection(
            alphasCumprod: steps.map(\.alphaCumprod), reference: given.reference,
            hasSlopes: !isAffine)
        let problem = AlignmentProblem(
            chain: chain,
            constraints: configuration.rewards.map { RewardConstraint($0, configuration.dimension) },
            correction: correction, batch: batch, coefficient: configuration.training.klCoefficient,
            seed: configuration.seed, communicator: session.communicator)
        try problem.scaleRewards(by: try baseStatistics(problem))
        return problem
    }

    /// Mean and deviation of each reward under the base, where thresholds are given in its units.
    private func baseStatistics(_ problem: AlignmentProblem) throws -> [RewardScale] {
        guard configuration.rewards.contains(where: { $0.normalize == .base }) else {
            return configuration.rewards.map { _ in .raw }
        }
        let measured = try problem.measure(evaluation, step: 1, withCorrection: false)
        let m = configuration.rewards.count
        return configuration.rewards.enumerated().map { index, reward in
            reward.normalize == .none
                ? .raw
                : RewardScale(
                    mean: measured.rewards[index],
                    deviation: measured.covariance[index * m + index].squareRoot())
        }
    }

    private func measurement(_ problem: AlignmentProblem, _ multipliers: [Double]) throws -> DualMeasurement {
        guard let latest = problem.latest else { throw TrainingError.notStarted("the alignment") }
        return measurement(problem, latest, multipliers)
    }

    private func measurement(
        _ problem: AlignmentProblem, _ measured: AlignmentMeasurement, _ multipliers: [Double]
    ) -> DualMeasurement {
        let k = configuration.training.klCoefficient
        let m = multipliers.count
        let violations = zip(problem.constraints, measured.rewards).map { $0.violation(of: $1) }
        let objective = k * measured.divergence
        let signs = problem.constraints.map(\.sign)
        let curvature = (0..<m * m).map { index in
            measured.covariance[index] * signs[index / m] * signs[index % m] / k
        }
        let slack = zip(multipliers, violations).reduce(0) { $0 + $1.0 * $1.1 }
        return DualMeasurement(
            measures: measured.rewards, gradient: violations, violations: violations, objective: objective,
            dualValue: objective + slack, curvature: curvature)
    }

    private func conclude(_ problem: AlignmentProblem, _ result: PrimalDualResult, _ network: ScoreNetwork?)
        throws
    {
        let multipliers = result.multipliers
        session.console.write("measuring at the average multipliers on \(evaluation.samples) fresh samples")
        try problem.settle(multipliers: multipliers)
        let measured = try problem.measure(evaluation, step: 0)
        let final = measurement(problem, measured, multipliers)
        let k = configuration.training.klCoefficient
        let summary = Summary(
            kind: configuration.kind.rawValue, status: result.status.rawValue,
            iterations: result.iterations, names: problem.constraints.map(\.reward.name),
            multipliers: multipliers.map { $0 / k }, lastMultipliers: result.lastMultipliers.map { $0 / k },
            violations: final.violations, rewards: measured.rewards,
            thresholds: problem.constraints.map(\.threshold), divergences: nil, bound: nil,
            objective: measured.divergence, dualValue: final.dualValue / k,
            gap: (final.objective - final.dualValue) / k, seconds: session.seconds,
            ranks: session.communicator.size)
        let base: VectorModel.Score =
            network.map { .network($0) }
            ?? .mixture(given.source.mixture ?? GaussianMixture(given.reference))
        // The base as the same chain without correction: its pictures start from the same noise.
        let model = { (correction: StepwiseCorrection) in
            VectorModel(
                .corrected(base, correction, self.configuration.sampling), schedule: self.schedule,
                dimension: self.configuration.dimension)
        }
        let aligned = model(problem.correction)
        try session.writeModel(aligned)
        let seed = configuration.seed
        try session.writeTensors(
            "samples.safetensors",
            [
                "samples": try aligned.samples(0..<1024, seed: seed),
                "base": try model(problem.correction.unmoved()).samples(0..<1024, seed: seed),
            ])
        try session.write("summary.json", summary.json())
        report(summary)
    }

    private func report(_ summary: Summary) {
        let numbers: ([Double]) -> String = { $0.map { String(format: "%.4f", $0) }.joined(separator: "  ") }
        session.console.write(
            """
            status        \(summary.status) after \(summary.iterations) iterations, \(Int(summary.seconds)) s
            rewards       \(summary.names.joined(separator: "  "))
            values        \(numbers(summary.rewards ?? []))
            thresholds    \(numbers(summary.thresholds ?? []))
            multipliers   \(numbers(summary.multipliers))
            divergence    \(numbers([summary.objective])) nats from the base
            """)
    }
}

extension RewardConstraint {
    init(_ configuration: RewardConfiguration, _ dimension: Int) {
        let name = configuration.name
        switch configuration.function {
        case .linear(let weights): reward = LinearReward(name: name, weights: weights)
        case .mean: reward = LinearReward(name: name, meanOver: dimension)
        case .mirror(let width, let height): reward = SymmetryReward(name: name, width: width, height: height)
        }
        threshold = configuration.threshold
        sign = configuration.direction == .high ? 1 : -1
        scale = .raw
    }
}

extension RewardConfiguration.Function {
    var isLinear: Bool {
        switch self {
        case .linear, .mean: true
        case .mirror: false
        }
    }
}
