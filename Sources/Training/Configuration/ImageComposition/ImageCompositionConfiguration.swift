/// Everything that determines the product of text-to-image models, as its YAML file says it
/// (`docs/image-composition.md`).
public struct ImageCompositionConfiguration: Equatable, Sendable {
    public enum Kind: String, CaseIterable, Sendable { case product }

    /// How adapters are combined.
    public enum Combination: String, CaseIterable, Sendable {
        /// Σ λ_i ε_i: a pass for every member.
        case score
        /// W + Σ λ_i ΔW_i: one pass.
        case weight
    }

    public var kind: Kind = .product
    public var seed: UInt64 = 0
    /// A diffusers directory; the path is already resolved.
    public var model: String
    public var dtype: ImageAlignmentConfiguration.WeightType = .f32
    /// Adapters of `model` as members; nil where others are.
    public var adapters: [MemberAdapterConfiguration]?
    /// Whole pipelines as members; nil where others are.
    public var models: [MemberModelConfiguration]?
    /// The texts that samples are made for; the members themselves (concepts) where there are no others.
    public var prompts: PromptSource
    public var combine: Combination = .score
    public var sampling = ImageCompositionConfiguration.standardSampling
    public var divergence = ImageDivergenceConfiguration()
    public var training = CompositionTrainingConfiguration()
    public var dual = DualConfiguration()
    public var rewards: [CompositionRewardConfiguration] = []
    public var distillation = DistillationConfiguration()
    public var evaluation = CompositionEvaluationConfiguration()
    public var ranks = MemberRanksConfiguration()
    public var checkpoints = CheckpointConfiguration()

    /// The paper's Table 3.
    static var standardSampling: ImageSamplingConfiguration {
        var sampling = ImageSamplingConfiguration()
        (sampling.steps, sampling.eta) = (25, 0)
        return sampling
    }

    /// Whether the members are prompts of one model.
    package var hasConcepts: Bool { adapters == nil && models == nil }

    /// Names of the members, in order; a concept's is made of its text.
    var memberNames: [String] {
        if let adapters { return adapters.map(\.name) }
        if let models { return models.map(\.name) }
        guard case .list(let concepts) = prompts else { return [] }
        return conceptNames(concepts)
    }

    /// Whether KLs compare with ε_i under guidance.
    package var isGuided: Bool { (divergence.noise ?? (hasConcepts ? .unguided : .guided)) == .guided }

    /// g in the KLs.
    package var divergenceGuidance: Double { divergence.guidance ?? sampling.guidance }

    /// Why the multipliers are known beforehand; nil where they are not.
    ///
    /// With two members ε_p − ε_1 = λ_2 (ε_2 − ε_1), so KL_1/KL_2 = (λ_2/λ_1)² whatever the members are.
    var triviality: String? {
        guard memberNames.count == 2, combine == .score, isGuided || divergenceGuidance == 1 else {
            return nil
        }
        return "two members under the same guidance end at λ = 1/2 whatever they are, since ε_p − ε_1 = "
            + "λ_2 (ε_2 − ε_1) and ε_p − ε_2 = λ_1 (ε_1 − ε_2); divergence.noise: unguided asks another question"
    }
}

/// An adapter as a member of a composition.
public struct MemberAdapterConfiguration: Equatable, Sendable {
    public var name: String
    /// Path of its file.
    public var file: String
}

/// A pipeline as a member of a composition.
public struct MemberModelConfiguration: Equatable, Sendable {
    public var name: String
    /// A diffusers directory.
    public var model: String
}

/// KL(p‖q_i) by Lemma 2 on noised samples.
public struct ImageDivergenceConfiguration: Equatable, Sendable {
    /// What a member's noise is taken for.
    public enum Noise: String, CaseIterable, Sendable {
        /// ε_∅ + g (ε_i − ε_∅), as in ε_p.
        case guided
        /// ε_i alone.
        case unguided
    }

    /// nil for that of sampling.
    public var guidance: Double?
    /// nil for `guided` with adapters and models, `unguided` with concepts.
    public var noise: Noise?
    public var weights: ObjectiveConfiguration.Weights = .exact
    /// Noise levels, evenly spaced in log γ (`exact`) or as the sampler's (`uniform`).
    public var steps = 25
    /// Each sample visits every so manieth of them.
    public var stride = 1
}

/// The dual iterations.
public struct CompositionTrainingConfiguration: Equatable, Sendable {
    public enum Draws: String, CaseIterable, Sendable { case fresh, common }

    /// Most dual iterations.
    public var steps = 60
    /// Images of an iteration, over all ranks.
    public var samples = 24
    /// Images that go through the networks together.
    public var microBatch = 2
    /// Whether iterations have random numbers of their own.
    public var draws: Draws = .fresh
}

/// A reward that compositions are measured by.
public struct CompositionRewardConfiguration: Equatable, Sendable {
    public var name: String
    /// Its name in the catalogue of rewards.
    public var reward: String
    /// Its files; nil for a formula.
    public var weights: String?
    /// The member that was trained on this reward alone, which is 100 where the base is 0.
    public var adapter: String?
}

/// One adapter that is trained on the composed noise.
public struct DistillationConfiguration: Equatable, Sendable {
    public enum Memory: String, CaseIterable, Sendable { case activations, layers }

    /// Updates; 0 for none.
    public var steps = 0
    public var rank = 4
    /// nil for the rank, which makes the scale 1.
    public var alpha: Double?
    public var targets = ["to_q", "to_k", "to_v", "to_out.0"]
    /// Samples of the composition that are noised, again and again.
    public var samples = 64
    /// Noised samples of an update, over all ranks.
    public var batch = 16
    public var learningRate = 1e-3
    public var schedule: ImageTrainingConfiguration.RateSchedule = .cosine
    public var weightDecay = 0.0
    public var gradientClip = 1.0
    public var memory: Memory = .activations
}

/// Measurement of the result beside what it is compared with.
public struct CompositionEvaluationConfiguration: Equatable, Sendable {
    public var samples = 48
    /// Pictures of the grid, of every model from the same latents.
    public var pictures = 6
}

/// How ranks share the members.
public struct MemberRanksConfiguration: Equatable, Sendable {
    /// Ranks that share the members of one sample group; nil for as many as leave none without members.
    public var shards: Int?
}

/// What members are compared with in tables and files.
let takenNames: Set<String> = ["base", "equal-weights", "constrained", "combined-prompt", "distilled"]

/// File names for concepts: their letters and digits, different for different concepts.
func conceptNames(_ concepts: [String]) -> [String] {
    var taken = takenNames
    return concepts.map { concept in
        let words = concept.split { !($0.isLetter || $0.isNumber) }
        let plain = words.isEmpty ? "concept" : String(words.joined(separator: "-").prefix(60))
        let name = (1...).lazy.map { $0 == 1 ? plain : "\(plain)-\($0)" }.first { !taken.contains($0) }
        taken.insert(name ?? plain)
        return name ?? plain
    }
}
