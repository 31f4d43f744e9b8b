/// Everything that determines a run on vectors, as its YAML file says it (`docs/configuration.md`).
public struct RunConfiguration: Equatable, Sendable {
    /// What problem is solved.
    public enum Kind: String, CaseIterable, Sendable {
        case product, mixture, alignment, pretraining
    }

    /// Whether the given models' scores are exact or first fitted by a network.
    public enum Score: String, CaseIterable, Sendable {
        case learned, analytic
    }

    /// What the mixture keeps equal: cross-entropies −E log p (`elbo`) or divergences KL(q_i‖p) (`kl`).
    public enum MixtureConstraint: String, CaseIterable, Sendable {
        case elbo, kl
    }

    public var kind: Kind
    public var seed: UInt64 = 0
    public var dimension: Int
    public var score: Score = .learned
    public var models: [ModelConfiguration]
    public var rewards: [RewardConfiguration] = []
    public var constraint: MixtureConstraint = .elbo
    public var schedule = ScheduleConfiguration()
    public var sampling = SamplingConfiguration()
    public var ranks = RanksConfiguration()
    public var network = NetworkConfiguration()
    public var pretraining = PretrainingConfiguration()
    public var training = TrainingConfiguration()
    public var dual = DualConfiguration()
    public var mcmc = MCMCConfiguration()
    public var evaluation = EvaluationConfiguration()
    public var checkpoints = CheckpointConfiguration()
}

extension RunConfiguration: Keyed {
    static var blank: RunConfiguration { RunConfiguration(kind: .product, dimension: 1, models: []) }

    static var fields: [Field<RunConfiguration>] {
        [
            .required(
                "kind", \.kind, .word,
                "The problem: `product` (AND) and `mixture` (OR) compose models, `alignment` fine-tunes one under "
                    + "rewards, `pretraining` only fits networks to them."),
            .seed(\.seed),
            .required(
                "dimension", \.dimension, .integer("integer from 1 to 65536", in: 1...65_536),
                "Length d of the vectors."),
            .optional(
                "score", \.score, .word,
                "`learned`: a network is first fitted to every model. `analytic`: the scores of Gaussians and "
                    + "mixtures are exact."),
            .required(
                "models", \.models, Format.mapping.list(named: "list of models"),
                "The given models q_i; `alignment` takes exactly one, `product` and `mixture` at least two."),
            .optional(
                "rewards", \.rewards, Format.mapping.list(named: "list of rewards"), default: "none",
                only: Condition(kind: "alignment") { $0.kind == .alignment },
                "The constraints of an alignment, at least one."),
            .optional(
                "constraint", \.constraint, .word,
                only: Condition(kind: "mixture") { $0.kind == .mixture },
                "What a mixture bounds: cross-entropies −E log p (`elbo`) or KL(q_i‖p) (`kl`)."),
        ] + sections
    }

    private static var sections: [Field<RunConfiguration>] {
        [
            .optional("schedule", \.schedule, .mapping, "Noise schedule β_1 … β_T."),
            .optional("sampling", \.sampling, .mapping, "DDIM sampling."),
            .optional("ranks", \.ranks, .mapping, "How MPI ranks share the work."),
            .optional("network", \.network, .mapping, "Sizes of the score network, a residual MLP."),
            .optional(
                "pretraining", \.pretraining, .mapping, "Fitting a score network to each given model."),
            .optional("training", \.training, .mapping, "The primal side of the primal–dual iterations."),
            .optional("dual", \.dual, .mapping, "The dual update, and when a run has converged."),
            .optional("mcmc", \.mcmc, .mapping, "Annealed MCMC that samples a product of scores."),
            .optional("evaluation", \.evaluation, .mapping, "Measurement at the end of a run."),
            .optional(
                "checkpoints", \.checkpoints, .mapping, "When checkpoints are written and which are kept."),
        ]
    }

    /// What the reference says of every key.
    static var references: [KeyReference] { Format<RunConfiguration>.mapping.references(.root) }
}
