import Foundation
import Yams

extension RunConfiguration {
    /// Reads and checks a configuration file.
    ///
    /// - Parameters:
    ///   - overrides: `key=value` in the order given, as in `training.steps=10`.
    ///   - kinds: the kinds of problem that the command solves.
    /// - Throws: `ConfigurationError` with all problems.
    public init(file: String, overrides: [String], kinds: Set<Kind>) throws {
        let url = URL(fileURLWithPath: file)
        try self.init(
            yaml: try Self.contents(of: url), overrides: overrides, kinds: kinds, source: file,
            directory: url.deletingLastPathComponent().path, sampleFiles: .required)
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
        var root = try Self.tree(yaml, source: source)
        let reader = ConfigurationReader(directory: directory)
        reader.apply(overrides, to: &root)
        self = reader.mapping(root, at: .root)
        checkKind(among: kinds, reader)
        if sampleFiles == .required { checkSampleFiles(reader) }
        try reader.finish(source: source)
    }

    /// Whether files of samples must exist when a configuration is read.
    public enum SampleFiles: Sendable { case required, unchecked }

    /// The resolved configuration as YAML: all defaults filled in, always in the same order.
    public var text: String { Format<RunConfiguration>.mapping.write(self).text }

    private static func contents(of url: URL) throws -> String {
        guard let data = readable(url.path) ? try? Data(contentsOf: url) : nil else {
            let exists = FileManager.default.fileExists(atPath: url.path)
            throw ConfigurationError(
                url.relativePath,
                exists
                    ? "cannot be read; expected a YAML file that you may read"
                    : "there is no such file; check the path and the current directory", isMissingFile: true)
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw ConfigurationError(url.relativePath, "is not UTF-8 text; save it as UTF-8")
        }
        return text
    }

    private static func tree(_ yaml: String, source: String) throws -> Node {
        do {
            return try YAMLDocument.root(of: yaml) ?? Node("", .implicit, .plain)
        } catch let error as YAMLDocument.SyntaxError {
            throw ConfigurationError(source, error.message, at: error.location)
        }
    }

    /// Whether there is a file, no directory, that may be read.
    static func readable(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
            && !isDirectory.boolValue
            && FileManager.default.isReadableFile(atPath: path)
    }
}
