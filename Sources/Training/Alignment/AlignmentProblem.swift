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

/// Algorithm 1's primal side on vectors: gradient descent on k · KL(p_θ‖q) − Σ λ_i sign_i E r̃_i.
///
/// Rewards are back-propagated through all sampler steps (K = 0); the divergence is path-wise with exact weights.
final class AlignmentProblem: @unchecked Sendable {
    let chain: AlignmentChain
    private(set) var constraints: [RewardConstraint]
    let correction: StepwiseCorrection
    private let batch: MicroBatches
    private let coefficient: Double
    /// Step of the gradient descent, relative to the Hessian k · I of the divergence.
    private let stepSize: Double
    private let seed: UInt64
    private let communicator: any Communicator
    /// Primal updates made so far; numbers the random draws.
    private(set) var updates = 0
    /// Measured on the samples of the last update, before it.
    private(set) var latest: AlignmentMeasurement?

    init(
        chain: AlignmentChain, constraints: [RewardConstraint], correction: StepwiseCorrection,
        batch: MicroBatches, coefficient: Double, stepSize: Double, seed: UInt64,
        communicator: any Communicator
    ) {
        self.chain = chain
        self.constraints = constraints
        self.correction = correction
        self.batch = batch
        self.coefficient = coefficient
        self.stepSize = stepSize
        self.seed = seed
        self.communicator = communicator
    }

    /// One descent step at the given multipliers.
    func update(multipliers: [Double]) throws {
        let shapes = correction.parameters.map(\.shape)
        let total = try batch.sum(
            over: communicator, arrays: shapes,
            scalars: AlignmentMeasurement.scalarCount(rewards: constraints.count)
        ) { try self.gradients(of: $0, multipliers) }
        latest = measurement(total.scalars, samples: batch.samples)
        for (parameter, gradient) in zip(correction.parameters, total.arrays) {
            let value = parameter.value.detached
            value.backend.accumulate(gradient, scale: -stepSize / coefficient, onto: value, scale: 1)
        }
        updates += 1
    }

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
            samples, latents: key(.initialLatents, updates), noise: key(.samplerNoise, updates), correction)
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
            arrays: correction.parameters.map { gradients[$0.value] ?? Tensor.zeros($0.shape) },
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
        for (index, constraint) in constraints.enumerated() {
            tree.set(
                [constraint.scale.mean, constraint.scale.deviation], at: "\(path)/reward_scales/\(index)")
        }
    }

    func restore(from tree: StateTree, at path: String) throws {
        updates = try tree.count("\(path)/updates")
        try correction.restore(from: tree, at: "\(path)/correction")
        for index in constraints.indices {
            let scale = try tree.elements("\(path)/reward_scales/\(index)", as: Double.self, shape: [2])
            constraints[index].scale = RewardScale(mean: scale[0], deviation: scale[1])
        }
    }
}
