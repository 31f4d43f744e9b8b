import Foundation

/// What a configuration file asks to be solved.
package enum ProblemConfiguration: Equatable, Sendable {
    case vectors(RunConfiguration)
    case imageAlignment(ImageAlignmentConfiguration)
    case imageProduct(ImageCompositionConfiguration)

    /// Reads and checks a file.
    ///
    /// - Parameters:
    ///   - overrides: `key=value` in the order given, as in `training.steps=10`.
    ///   - kinds: the kinds of problem that the command solves.
    ///   - requiresFiles: whether files that are named must be there.
    /// - Throws: `ConfigurationError` with all problems.
    package init(
        file: String, overrides: [String] = [],
        kinds: Set<RunConfiguration.Kind> = Set(RunConfiguration.Kind.allCases), requiresFiles: Bool = true
    ) throws {
        try self.init(ConfigurationSource(file: file), overrides, kinds, requiresFiles)
    }

    /// Reads and checks the text of a configuration; relative paths start from the current directory.
    ///
    /// - Throws: `ConfigurationError` with all problems.
    package init(yaml: String, requiresFiles: Bool = true) throws {
        let source = ConfigurationSource(
            text: yaml, name: "configuration", directory: FileManager.default.currentDirectoryPath)
        try self.init(source, [], Set(RunConfiguration.Kind.allCases), requiresFiles)
    }

    private init(
        _ source: ConfigurationSource, _ overrides: [String], _ kinds: Set<RunConfiguration.Kind>,
        _ requiresFiles: Bool
    ) throws {
        let imageKinds = try source.describesImages() ? kinds.intersection([.alignment, .product]) : []
        // Where the command solves both, the file says which.
        let isProduct = try source.kind() == RunConfiguration.Kind.product.rawValue
        if imageKinds == [.product] || imageKinds.contains(.product) && isProduct {
            self = .imageProduct(try source.read(overrides: overrides, requiresFiles: requiresFiles))
        } else if imageKinds.contains(.alignment) {
            self = .imageAlignment(try source.read(overrides: overrides, requiresFiles: requiresFiles))
        } else {
            self = .vectors(
                try RunConfiguration(
                    source, overrides, kinds, sampleFiles: requiresFiles ? .required : .unchecked))
        }
    }

    private var configuration: any JobConfiguration {
        switch self {
        case .vectors(let configuration): configuration
        case .imageAlignment(let configuration): configuration
        case .imageProduct(let configuration): configuration
        }
    }

    /// The resolved configuration as YAML: all defaults filled in, always in the same order.
    package var text: String { configuration.resolvedText }

    var job: JobDescription { JobDescription(configuration) }
}
