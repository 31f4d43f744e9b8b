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
    public var steps = 1000
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

extension RanksConfiguration: Keyed {
    static var blank: RanksConfiguration { RanksConfiguration() }

    static var fields: [Field<RanksConfiguration>] {
        [
            .optional(
                "shards", \.shards, .count, unit: "ranks",
                "Ranks that share the models of one sample group; 1 gives every rank all models.")
        ]
    }
}

extension NetworkConfiguration: Keyed {
    static var blank: NetworkConfiguration { NetworkConfiguration() }

    static var fields: [Field<NetworkConfiguration>] {
        [
            .optional("hidden", \.hidden, .count, unit: "units", "Width of the residual stream."),
            .optional("blocks", \.blocks, .count, "Residual blocks."),
            .optional("widening", \.widening, .count, "Width inside a block, as a multiple of `hidden`."),
            .optional(
                "embedding", \.embedding, .integer("even integer ≥ 2", in: 2...Int(Int32.max)), unit: "units",
                "Width of the sinusoidal embedding of the time step."),
        ]
    }

    func check(at path: ConfigurationPath, _ reader: ConfigurationReader) {
        reader.require(embedding % 2 == 0, at: path.key("embedding")) {
            "\(embedding) is odd; sines and cosines come in pairs, so make it even"
        }
    }
}

extension PretrainingConfiguration: Keyed {
    static var blank: PretrainingConfiguration { PretrainingConfiguration() }

    static var fields: [Field<PretrainingConfiguration>] {
        [.optional("steps", \.steps, .count, unit: "updates", "Updates of each network.")]
            + .descent(\.batch, \.microBatch, \.learningRate, \.weightDecay, \.gradientClip)
    }

    func check(at path: ConfigurationPath, _ reader: ConfigurationReader) {
        reader.requireMicroBatches(
            of: batch, at: path.key("batch"), each: microBatch, path.key("micro_batch"))
    }
}

extension TrainingConfiguration: Keyed {
    static var blank: TrainingConfiguration { TrainingConfiguration() }

    static var fields: [Field<TrainingConfiguration>] {
        [
            .optional(
                "steps", \.steps, Format.count.optional, unit: "iterations", default: "of the problem",
                "Most dual iterations; `--steps N` is the same."),
            .optional(
                "primal_steps", \.primalSteps, Format.count.optional, unit: "updates",
                default: "of the problem", "Primal updates in a dual iteration."),
        ] + .descent(\.batch, \.microBatch, \.learningRate, \.weightDecay, \.gradientClip) + [
            .optional(
                "kl_coefficient", \.klCoefficient, .positive,
                "k of the objective k · KL of an alignment; reported multipliers are λ/k.")
        ]
    }

    func check(at path: ConfigurationPath, _ reader: ConfigurationReader) {
        reader.requireMicroBatches(
            of: batch, at: path.key("batch"), each: microBatch, path.key("micro_batch"))
    }
}

extension Array {
    /// Keys of gradient descent, alike wherever a network is trained.
    fileprivate static func descent<Owner: Keyed>(
        _ batch: WritableKeyPath<Owner, Int>, _ microBatch: WritableKeyPath<Owner, Int>,
        _ learningRate: WritableKeyPath<Owner, Double>, _ weightDecay: WritableKeyPath<Owner, Double>,
        _ gradientClip: WritableKeyPath<Owner, Double>
    ) -> [Field<Owner>] where Element == Field<Owner> {
        [
            .optional(
                "batch", batch, .count, unit: "samples",
                "Samples of an update, over all ranks; a multiple of `micro_batch`."),
            .microBatch(microBatch),
            .optional("learning_rate", learningRate, .positive, "AdamW's step."),
            .optional("weight_decay", weightDecay, .nonnegative, "AdamW's decoupled decay."),
            .optional("gradient_clip", gradientClip, .positive, "Largest norm of the gradient."),
        ]
    }
}

extension Field where Owner: Keyed {
    static func microBatch(_ property: WritableKeyPath<Owner, Int>) -> Field {
        .optional(
            "micro_batch", property, .integer("even integer ≥ 32", in: 32...Int(Int32.max)),
            unit: "samples", "Samples computed at once; never divided between ranks.")
    }
}

extension ConfigurationReader {
    /// Micro-batches are even, and a whole number of them makes a batch.
    func requireMicroBatches(
        of batch: Int, at place: ConfigurationPath, each size: Int, _ sizePlace: ConfigurationPath
    ) {
        require(size % 2 == 0, at: sizePlace) { "\(size) is odd; make it even" }
        require(size > 0 && batch % size == 0, at: place, with: [sizePlace]) {
            "\(batch) is no multiple of \(sizePlace) = \(size)"
        }
    }
}
