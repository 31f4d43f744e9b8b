import Checkpoints
import Distributed
import Foundation
import Layers
import Models
import Rewards
import TensorCore

/// One constraint of an alignment as the trainer uses it: sign · (b − E r̃) ≤ 0.
struct RewardConstraint: Sendable {
    let reward: any Reward
    /// b, in the units of `scale`.
    let threshold: Double
    /// +1 where more is better, −1 where less is.
    let sign: Double
    var scale: RewardScale

    /// Positive where the constraint is broken.
    func violation(of value: Double) -> Double { sign * (threshold - value) }
}

/// Algorithm 1's primal side on vectors: natural gradient descent on k · KL(p_θ‖q) − Σ λ_i sign_i E r̃_i.
///
/// Rewards are back-propagated through all sampler steps (K = 0); the divergence is path-wise with exact weights.
final class AlignmentProblem: @unchecked Sendable {
    let chain: AlignmentChain
    private(set) var constraints: [RewardConstraint]
    let correction: StepwiseCorrection
    private let batch: MicroBatches
    private let coefficient: Double
    private let descent: NaturalDescent
    private let seed: UInt64
    private let communicator: any Communicator
    /// Primal updates made so far; numbers the random draws.
    private(set) var updates = 0
    /// Measured on the samples of the last update, before it.
    private(set) var latest: AlignmentMeasurement?

    init(
        chain: AlignmentChain, constraints: [RewardConstraint], correction: StepwiseCorrection,
        batch: MicroBatches, coefficient: Double, seed: UInt64,
        communicator: any Communicator
    ) {
        self.chain = chain
        self.constraints = constraints
        self.correction = correction
        self.batch = batch
        self.coefficient = coefficient
        descent = NaturalDescent(correction.parameters, coefficient: coefficient)
        self.seed = seed
        self.communicator = communicator
    }

    /// One descent step at the given multipliers.
    func update(multipliers: [Double]) throws {
        let gradients = correction.parameters.map(\.shape)
        let moments = correction.hasSlopes ? gradients.map { Shape([$0[0], $0[0]]) } : []
        let total = try batch.sum(
            over: communicator, arrays: gradients + moments,
            scalars: AlignmentMeasurement.scalarCount(rewards: constraints.count)
        ) { try self.gradients(of: $0, multipliers) }
        latest = measurement(total.scalars, samples: batch.samples)
        descent.update(
            Array(total.arrays[..<gradients.count]),
            moments: total.arrays[gradients.count...].map { $0 / Double(batch.samples) },
            multipliers: multipliers)
        updates += 1
    }

    /// Brings the correction to rest at multipliers that no longer change: the average of many updates, which takes
    /// the noise of the gradients out.
    func settle(multipliers: [Double]) throws {
        for _ in 0..<Self.settlingUpdates { try update(multipliers: multipliers) }
        let sums = correction.parameters.map { Tensor.zeros($0.shape) }
        for _ in 0..<Self.averagedUpdates {
            try update(multipliers: multipliers)
            for (sum, parameter) in zip(sums, correction.parameters) {
                let value = parameter.value.detached
                value.backend.accumulate(value, scale: 1 / Double(Self.averagedUpdates), onto: sum, scale: 1)
            }
        }
        for (sum, parameter) in zip(sums, correction.parameters) { parameter.assign(sum) }
    }

    private static let settlingUpdates = 8
    private static let averagedUpdates = 24

    /// Rewards and divergence on fresh samples, without changing anything.
    ///
    /// - Parameter step: numbers the random draws; no training step uses the evaluation streams.
    func measure(_ work: MicroBatches, step: Int, withCorrection: Bool = true) throws -> AlignmentMeasurement
    {
        let total = try work.sum(
            over: communicator, scalars: AlignmentMeasurement.scalarCount(rewards: constraints.count)
        ) { samples in
            try withoutRecording {
                let outcome = try self.chain.run(
                    samples, latents: self.key(.evaluationData, step),
                    noise: self.key(.evaluationNoise, step),
                    withCorrection ? self.correction : nil)
                return Contribution(scalars: self.scalars(outcome))
            }
        }
        return measurement(total.scalars, samples: work.samples)
    }

    /// Puts rewards into the units of their thresholds, before the first update.
    func scaleRewards(by scales: [RewardScale]) throws {
        for (index, scale) in scales.enumerated() {
            guard scale.deviation > 0, scale.deviation.isFinite else {
                throw TrainingError.constantReward(constraints[index].reward.name)
            }
            constraints[index].scale = scale
        }
    }

    /// Gradients and sums of one micro-batch.
    private func gradients(of samples: Range<Int>, _ multipliers: [Double]) throws -> Contribution {
        let outcome = try chain.run(
            samples, latents: key(.initialLatents, updates), noise: key(.samplerNoise, updates), correction,
            measuresMoments: correction.hasSlopes)
        let values = constraints.map { $0.reward(outcome.samples) }
        let scale = 1 / Double(batch.samples)
        var lagrangian = outcome.divergences.sum() * (coefficient * scale)
        for ((constraint, value), multiplier) in zip(zip(constraints, values), multipliers)
        where multiplier != 0 {
            let weight = multiplier * constraint.sign / constraint.scale.deviation
            lagrangian = lagrangian - value.sum() * (weight * scale)
        }
        let gradients = TensorCore.gradients(of: lagrangian)
        return Contribution(
            arrays: correction.parameters.map { gradients[$0.value] ?? Tensor.zeros($0.shape) }
                + outcome.moments,
            scalars: AlignmentMeasurement.scalars(values.map(\.doubles), outcome.divergences))
    }

    private func scalars(_ outcome: AlignmentChain.Outcome) -> [Double] {
        AlignmentMeasurement.scalars(
            constraints.map { $0.reward(outcome.samples).doubles }, outcome.divergences)
    }

    private func measurement(_ sums: [Double], samples: Int) -> AlignmentMeasurement {
        AlignmentMeasurement(
            sums: sums, rewards: constraints.count, samples: samples, scales: constraints.map(\.scale))
    }

    private func key(_ purpose: RandomPurpose, _ step: Int) -> RandomKey {
        purpose.key(seed: seed, step: step)
    }
}

extension AlignmentProblem: Resumable {
    func save(to tree: inout StateTree, at path: String) {
        tree.set(updates, at: "\(path)/updates")
        correction.save(to: &tree, at: "\(path)/correction")
        descent.save(to: &tree, at: "\(path)/descent")
        tree.set(constraints.map(\.scale), at: "\(path)/reward_scales")
    }

    func restore(from tree: StateTree, at path: String) throws {
        updates = try tree.count("\(path)/updates")
        try correction.restore(from: tree, at: "\(path)/correction")
        try descent.restore(from: tree, at: "\(path)/descent")
        let scales = try tree.rewardScales("\(path)/reward_scales", count: constraints.count)
        for (index, scale) in scales.enumerated() { constraints[index].scale = scale }
    }
}
