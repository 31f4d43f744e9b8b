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

/// One given model.
public struct ModelConfiguration: Equatable, Sendable {
    public enum Source: Equatable, Sendable {
        case gaussian(GaussianConfiguration)
        case mixture([MixtureComponentConfiguration])
        /// A safetensors file with tensor `samples` `[N, dimension]`; the path is already resolved.
        case samples(path: String)
    }

    public var name: String
    public var source: Source
}

public struct GaussianConfiguration: Equatable, Sendable {
    public var mean: [Double]
    /// Rows.
    public var covariance: [[Double]]
}

public struct MixtureComponentConfiguration: Equatable, Sendable {
    public var weight: Double
    public var gaussian: GaussianConfiguration
}

/// One constraint of an alignment: E r ≥ threshold (`high`) or E r ≤ threshold (`low`).
public struct RewardConfiguration: Equatable, Sendable {
    public enum Function: Equatable, Sendable {
        /// wᵀx.
        case linear([Double])
        /// Mean of the coordinates.
        case mean
        /// Minus the mean squared difference to the mirror image.
        case mirror(width: Int, height: Int)
    }

    public enum Direction: String, CaseIterable, Sendable { case high, low }
    public enum Normalization: String, CaseIterable, Sendable { case none, base }

    public var name: String
    public var function: Function
    public var threshold: Double
    public var direction: Direction = .high
    public var normalize: Normalization = .none
}

/// Noise schedule β_1 … β_T.
public struct ScheduleConfiguration: Equatable, Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        case linear
        case scaledLinear = "scaled_linear"
        case cosine
    }

    public var kind: Kind = .linear
    public var trainSteps = 200
    public var betaStart = 0.0005
    public var betaEnd = 0.1
}

/// DDIM sampling.
public struct SamplingConfiguration: Equatable, Sendable {
    public var steps = 200
    public var eta = 1.0

    /// Deterministic and short: for models whose sampler is not part of the problem.
    static let fast = SamplingConfiguration(steps: 50, eta: 0)
}

/// How ranks share the work.
public struct RanksConfiguration: Equatable, Sendable {
    /// Ranks that share the models of one sample group; 1 gives every rank all models.
    public var shards = 1
}

/// Sizes of the residual MLP.
public struct NetworkConfiguration: Equatable, Sendable {
    public var hidden = 128
    public var blocks = 4
    public var widening = 2
    public var embedding = 128
}

/// Fitting a score network to a given model.
public struct PretrainingConfiguration: Equatable, Sendable {
    public var steps = 1500
    public var batch = 512
    public var microBatch = 128
    public var learningRate = 1e-3
    public var weightDecay = 0.0
    public var gradientClip = 1.0
}

/// The primal–dual iterations.
public struct TrainingConfiguration: Equatable, Sendable {
    /// Most dual iterations; nil takes the default of the problem.
    public var steps: Int?
    /// Primal updates per dual iteration; nil takes the default of the problem.
    public var primalSteps: Int?
    public var batch = 512
    public var microBatch = 64
    public var learningRate = 1e-3
    public var weightDecay = 0.0
    public var gradientClip = 1.0
    /// k of the alignment objective k · KL.
    public var klCoefficient = 1.0
}

/// The dual update.
public struct DualConfiguration: Equatable, Sendable {
    public enum Rule: String, CaseIterable, Sendable {
        case adaptive, ascent, ema, nupi, simplex
    }

    public var rule: Rule = .adaptive
    /// η_d of `ascent`, `ema` and `simplex`.
    public var step = 0.1
    /// Factor on the step after every iteration.
    public var decay = 1.0
    /// ν of the moving average of violations.
    public var smoothing = 0.9
    public var kappaI = 0.1
    public var kappaP = 0.1
    public var warmup = 0
    /// λ(1); nil for 1/m.
    public var initial: [Double]?
    /// KKT residual, relative to the size of the problem, below which a run has converged.
    public var tolerance = 2e-3
    /// Iterations over which it must stay below.
    public var window = 10
}

/// Annealed MCMC on the product of scores.
public struct MCMCConfiguration: Equatable, Sendable {
    public enum Sampler: String, CaseIterable, Sendable { case ula, mala, uhmc, hmc }

    public var sampler: Sampler = .mala
    public var levels = 40
    public var stepsPerLevel = 2
    public var chains = 1024
    /// Step relative to the square of a level's noise scale.
    public var stepSize = 0.1
}

/// Measurement at the end of a run.
public struct EvaluationConfiguration: Equatable, Sendable {
    public var samples = 65_536
    public var microBatch = 512
}

/// When checkpoints are written and which are kept.
public struct CheckpointConfiguration: Equatable, Sendable {
    /// Dual iterations between checkpoints; 0 writes only the last one and those asked for by a signal.
    public var every = 10
    /// How many of the newest are kept.
    public var keep = 3
    /// Every so many iterations one is kept for good; 0 for none.
    public var permanentEvery = 0
}
