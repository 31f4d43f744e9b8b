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
    /// Seconds between checkpoints while models are fitted; 0 for none but at an interruption.
    public var fitSeconds = 60.0
}

extension EvaluationConfiguration: Keyed {
    static var blank: EvaluationConfiguration { EvaluationConfiguration() }

    static var fields: [Field<EvaluationConfiguration>] {
        [
            .optional("samples", \.samples, .count, "Fresh samples, a multiple of `micro_batch`."),
            .microBatch(\.microBatch),
        ]
    }

    func check(at path: ConfigurationPath, _ reader: ConfigurationReader) {
        reader.requireMicroBatches(
            of: samples, at: path.key("samples"), each: microBatch, path.key("micro_batch"))
    }
}

extension CheckpointConfiguration: Keyed {
    static var blank: CheckpointConfiguration { CheckpointConfiguration() }

    static var fields: [Field<CheckpointConfiguration>] {
        [
            .optional(
                "every", \.every, .natural, unit: "iterations",
                "Iterations between checkpoints; 0 writes the last one and those asked for by a signal."),
            .optional("keep", \.keep, .count, unit: "checkpoints", "How many of the newest are kept."),
            .optional(
                "permanent_every", \.permanentEvery, .natural, unit: "iterations",
                "Every so many iterations one is kept for good; 0 for none."),
            .optional(
                "fit_seconds", \.fitSeconds, .nonnegative, unit: "seconds",
                "Time between checkpoints in `preparation/` while models are fitted; 0: only at an interruption."
            ),
        ]
    }
}
