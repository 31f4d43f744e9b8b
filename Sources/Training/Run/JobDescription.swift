/// What a run directory needs to know of a job's configuration.
struct JobDescription: Sendable {
    /// The resolved configuration, as YAML.
    let text: String
    let checkpoints: CheckpointConfiguration
    /// Throws `ConfigurationError` where the job cannot go on from a checkpoint with the configuration given.
    let checkContinues: @Sendable (_ checkpointed: String) throws -> Void

    init(_ configuration: some JobConfiguration) {
        text = configuration.resolvedText
        checkpoints = configuration.checkpoints
        checkContinues = { try configuration.checkContinues($0) }
    }
}
