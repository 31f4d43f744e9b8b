/// Everything that determines the alignment of a text-to-image model, as its YAML file says it
/// (`docs/image-alignment.md`).
public struct ImageAlignmentConfiguration: Equatable, Sendable {
    public enum Kind: String, CaseIterable, Sendable { case alignment }

    public var kind: Kind = .alignment
    public var seed: UInt64 = 0
    /// A diffusers directory; the path is already resolved.
    public var model: String
    public var dtype: WeightType = .f32
    public var prompts: PromptSource
    public var rewards: [ImageRewardConfiguration]
    public var adapter = AdapterConfiguration()
    public var sampling = ImageSamplingConfiguration()
    public var training = ImageTrainingConfiguration()
    public var objective = ObjectiveConfiguration()
    public var dual = ImageAlignmentConfiguration.standardDual
    public var statistics = StatisticsConfiguration()
    public var evaluation = ImageEvaluationConfiguration()
    public var ranks = RanksConfiguration()
    public var checkpoints = CheckpointConfiguration()

    /// The type that the base's weights are held in.
    public enum WeightType: String, CaseIterable, Sendable { case f32, bf16 }

    /// The paper's: plain ascent on the violations of a batch.
    static var standardDual: DualConfiguration {
        var dual = DualConfiguration()
        (dual.rule, dual.step) = (.ascent, 0.05)
        return dual
    }
}

/// Where prompts come from.
public enum PromptSource: Equatable, Sendable {
    case list([String])
    /// One prompt a line; empty lines do not count.
    case file(path: String)
}

/// One constraint on images: E r ≥ threshold.
public struct ImageRewardConfiguration: Equatable, Sendable {
    public var name: String
    /// Its name in the catalogue of rewards.
    public var reward: String
    /// Its files; nil for a formula.
    public var weights: String?
    public var threshold: Double
    public var normalize: RewardConfiguration.Normalization = .none
}

/// The LoRA adapter that is trained.
public struct AdapterConfiguration: Equatable, Sendable {
    public var rank = 4
    /// nil for the rank, which makes the scale 1.
    public var alpha: Double?
    public var targets = ["to_q", "to_k", "to_v", "to_out.0"]
    /// A file to start from.
    public var initial: String?
}

/// DDIM sampling of images.
public struct ImageSamplingConfiguration: Equatable, Sendable {
    public var steps = 15
    public var eta = 1.0
    public var guidance = 5.0
    public var negativePrompt = ""
    /// nil is what the model was trained on.
    public var height: Int?
    public var width: Int?
}

/// Primal updates of the adapter.
public struct ImageTrainingConfiguration: Equatable, Sendable {
    public enum RateSchedule: String, CaseIterable, Sendable { case constant, linear, cosine }

    /// Most dual iterations.
    public var steps = 50
    /// Primal updates per dual iteration.
    public var primalSteps = 1
    /// Updates at the end, at the average multipliers and a learning rate that falls to 0.
    public var settling = 10
    /// Images of an update, over all ranks.
    public var batch = 64
    /// Images that go through the networks together.
    public var microBatch = 4
    public var learningRate = 1e-3
    public var schedule: RateSchedule = .constant
    /// Updates over which the learning rate grows to its value.
    public var warmup = 0
    public var weightDecay = 1e-4
    public var gradientClip = 1.0
    public var truncation = TruncationConfiguration()
    public var memory: MemoryPolicy = .auto
    /// GiB that a rank may take; nil for its share of what is free on its machine at the start.
    public var memoryBudget: Double?
}

/// What a chain keeps for the backward pass; the less, the more is computed again.
public enum ChainMemory: String, CaseIterable, Sendable {
    /// Everything of every differentiated step.
    case activations
    /// The state before each differentiated step: one more forward pass.
    case steps
    /// As `steps`, and within a step the inputs of the layers: two more forward passes.
    case layers
}

/// How `ChainMemory` is chosen.
public enum MemoryPolicy: String, CaseIterable, Sendable {
    /// The fastest that fits the budget.
    case auto
    case activations, steps, layers
}

/// From which step on rewards are differentiated.
public struct TruncationConfiguration: Equatable, Sendable {
    public enum Kind: String, CaseIterable, Sendable { case gaussian, uniform, fixed }

    public var kind: Kind = .gaussian
    /// Mean of `gaussian`, as a share of the steps.
    public var mean = 0.8
    /// Standard deviation of `gaussian`, in steps.
    public var deviation = 5.0
    /// K of `fixed`.
    public var step = 0
}

/// k · KL(p‖base).
public struct ObjectiveConfiguration: Equatable, Sendable {
    public enum Weights: String, CaseIterable, Sendable { case exact, uniform }

    public enum Gradient: String, CaseIterable, Sendable {
        case fixedStates = "fixed_states"
        case throughStates = "through_states"
    }

    public var klCoefficient = 0.1
    public var weights: Weights = .exact
    public var gradient: Gradient = .fixedStates
}

/// Mean and deviation of rewards under the base model.
public struct StatisticsConfiguration: Equatable, Sendable {
    /// Of `training.batch` images.
    public var batches = 10
    /// A file to read them from, or to write them to where it is not there yet.
    public var file: String?
}

/// Measurement at the end of a run.
public struct ImageEvaluationConfiguration: Equatable, Sendable {
    /// Images of the training prompts.
    public var samples = 512
    /// Prompts that are not trained on; nil for none.
    public var heldOut: [String]?
    /// Images of the held-out prompts.
    public var heldOutSamples = 128
    /// Pictures of the grid, before and after from the same latents.
    public var pictures = 8
    /// Dual iterations between pictures in TensorBoard; 0 for none.
    public var previewEvery = 10
}
