import Foundation

extension RunConfiguration {
    /// Reads and checks a configuration file.
    ///
    /// - Parameters:
    ///   - overrides: `key=value` in the order given, as in `training.steps=10`.
    ///   - kinds: the kinds of problem that the command solves.
    /// - Throws: `ConfigurationError` with all problems.
    public init(file: String, overrides: [String], kinds: Set<Kind>) throws {
        try self.init(ConfigurationSource(file: file), overrides, kinds, sampleFiles: .required)
    }

    /// Reads and checks the text of a configuration.
    ///
    /// - Parameters:
    ///   - source: what stands for the file in messages.
    ///   - directory: where relative paths of samples start.
    ///   - sampleFiles: whether files of samples must be there.
    /// - Throws: `ConfigurationError` with all problems.
    public init(
        yaml: String, overrides: [String] = [], kinds: Set<Kind> = Set(Kind.allCases),
        source: String = "configuration", directory: String = FileManager.default.currentDirectoryPath,
        sampleFiles: SampleFiles = .required
    ) throws {
        try self.init(
            ConfigurationSource(text: yaml, name: source, directory: directory), overrides, kinds,
            sampleFiles: sampleFiles)
    }

    init(
        _ source: ConfigurationSource, _ overrides: [String], _ kinds: Set<Kind>, sampleFiles: SampleFiles
    ) throws {
        self = try source.read(overrides: overrides, requiresFiles: sampleFiles == .required) {
            $0.checkKind(among: kinds, $1)
        }
    }

    /// Whether files of samples must exist when a configuration is read.
    public enum SampleFiles: Sendable { case required, unchecked }

    /// The resolved configuration as YAML: all defaults filled in, always in the same order.
    public var text: String { resolvedText }
}

extension RunConfiguration: JobConfiguration {
    // Results do not depend on how ranks share the work, and another number of ranks may need another sharing.
    static var changeable: Set<ConfigurationPath> {
        ["training.steps", "checkpoints", "evaluation", "dual.tolerance", "dual.window", "ranks"]
    }

    func checkFiles(_ reader: ConfigurationReader) { checkSampleFiles(reader) }

    /// Checks that a run goes on as it began.
    ///
    /// How long it goes on, on how many ranks, how it is measured and what is kept may change; so may the place of
    /// sample files.
    ///
    /// - Parameter checkpointed: the resolved configuration in a checkpoint.
    /// - Throws: `ConfigurationError` naming every key that differs.
    public func checkContinues(_ checkpointed: String) throws {
        try checkContinues(
            RunConfiguration(
                yaml: checkpointed, source: "the checkpoint's configuration", sampleFiles: .unchecked))
    }
}
