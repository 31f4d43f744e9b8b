import Foundation

extension ImageAlignmentConfiguration {
    /// Whether a file describes the alignment of a text-to-image model.
    ///
    /// - Throws: `ConfigurationError` where it cannot be read or is no YAML.
    package static func isDescribed(by file: String) throws -> Bool {
        let source = try ConfigurationSource(file: file)
        return try source.describesImages() && source.kind() == "alignment"
    }

    /// Reads and checks a configuration file; files that it names need not be there.
    ///
    /// - Throws: `ConfigurationError` with all problems.
    package init(file: String, overrides: [String] = []) throws {
        self = try ConfigurationSource(file: file).read(overrides: overrides, requiresFiles: false)
    }

    /// Reads and checks the text of a configuration; files that it names need not be there.
    ///
    /// - Throws: `ConfigurationError` with all problems.
    package init(yaml: String) throws {
        self = try ConfigurationSource(
            text: yaml, name: "configuration", directory: FileManager.default.currentDirectoryPath
        ).read(requiresFiles: false)
    }

    /// The resolved configuration as YAML: all defaults filled in, always in the same order.
    package var text: String { resolvedText }
}
