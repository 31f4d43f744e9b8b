import Rewards
import TensorCore

/// What rewards say of the images of one micro-batch.
struct RewardScores: Sendable {
    /// Of each reward in configuration order, `[N]`, raw.
    var values: [[Double]]
    /// Σ_i s_i ∂r_i/∂images with the weights s asked for; nil where all are 0.
    var gradient: Tensor?
}

/// The rewards that this rank holds.
struct RewardPanel: Sendable {
    let constraints: [ImageConstraint]
    /// Which of the constraints' rewards are here.
    let owned: Range<Int>
    private let rewards: [any ImageReward]

    /// Loads the rewards of `owned` and no others.
    ///
    /// - Throws: `ImageRewardError`, and whatever reading their files throws.
    init(_ configurations: [ImageRewardConfiguration], owned: Range<Int>) throws {
        constraints = configurations.map { ImageConstraint(name: $0.name, threshold: $0.threshold) }
        self.owned = owned
        rewards = try configurations[owned].map {
            try ImageRewards.entry(named: $0.reward).load(weights: $0.weights)
        }
    }

    /// Values of reward `index`, and weight · ∂Σr/∂images.
    ///
    /// - Shapes: images `[N, H, W, 3]` in 0…1.
    /// - Throws: `RewardValueError` where a value is not finite.
    func score(
        _ index: Int, _ images: Tensor, prompts: [String], weight: Double
    ) throws -> (values: [Double], gradient: Tensor?) {
        let reward = rewards[index - owned.lowerBound]
        guard weight != 0 else {
            let values = try withoutRecording { try reward(images.detached, prompts: prompts) }.doubles
            return (try finite(values, index, prompts), nil)
        }
        let leaf = images.detached.tracked()
        let values = try reward(leaf, prompts: prompts)
        let numbers = try finite(values.doubles, index, prompts)
        let seed = Tensor.ones(values.shape, dtype: values.dtype) * weight
        return (numbers, gradients(of: [(values, seed)])[leaf])
    }

    /// What the rewards of this rank say.
    func scores(_ images: Tensor, prompts: [String], weights: [Double]) throws -> RewardScores {
        var scores = RewardScores(values: [])
        for index in owned {
            let (values, gradient) = try score(index, images, prompts: prompts, weight: weights[index])
            scores.values.append(values)
            scores.add(gradient)
        }
        return scores
    }

    private func finite(_ values: [Double], _ index: Int, _ prompts: [String]) throws -> [Double] {
        if let row = values.firstIndex(where: { !$0.isFinite }) {
            throw RewardValueError(
                reward: constraints[index].name, value: values[row], prompt: prompts[row])
        }
        return values
    }
}

extension RewardScores {
    mutating func add(_ other: Tensor?) {
        guard let other else { return }
        gradient = gradient.map { $0 + other } ?? other
    }
}

/// A reward that is no number.
struct RewardValueError: ExitCoded, CustomStringConvertible {
    let reward: String
    let value: Double
    let prompt: String

    var exitCode: Int32 { ExitStatus.internal }

    var description: String {
        "reward \(reward) is \(value) on an image of \"\(prompt)\"; check its weights, and lower "
            + "training.learning_rate if the images have become unlikely. The last checkpoint is unharmed."
    }
}

/// One constraint of an image alignment: E r̃ ≥ b.
struct ImageConstraint: Sendable {
    let name: String
    /// b, in the units of `scale`.
    let threshold: Double
    var scale = RewardScale.raw

    /// Positive where the constraint is broken.
    func violation(of value: Double) -> Double { threshold - value }
}
