import Foundation
import Yams

/// What a job is described by: a whole YAML file.
protocol JobConfiguration: Keyed, Sendable {
    var checkpoints: CheckpointConfiguration { get }

    /// What may differ when a run goes on.
    static var changeable: Set<ConfigurationPath> { get }

    /// Reports files that are named and cannot be read.
    func checkFiles(_ reader: ConfigurationReader)

    /// Checks that a run goes on as the resolved text in its checkpoint says.
    ///
    /// - Throws: `ConfigurationError` naming every key that differs.
    func checkContinues(_ checkpointed: String) throws
}

extension JobConfiguration {
    /// The resolved configuration as YAML: all defaults filled in, always in the same order.
    var resolvedText: String { Format<Self>.mapping.write(self).text }

    /// Checks that a run goes on as it began.
    ///
    /// - Parameter earlier: what the checkpoint was written with.
    /// - Throws: `ConfigurationError` naming every key that differs.
    func checkContinues(_ earlier: Self) throws {
        let write = Format<Self>.mapping.write
        let problems = Self.differences(write(earlier), write(self), at: .root).map { path, old, new in
            ConfigurationProblem(
                path: path.description, location: .unknown,
                message: "\(old) in the checkpoint, \(new) now; set it back, or start in another --output",
                isMissingFile: false)
        }
        guard problems.isEmpty else {
            throw ConfigurationError(source: "cannot resume with a changed configuration", problems: problems)
        }
    }

    func checkContinues(_ checkpointed: String) throws {
        let source = ConfigurationSource(
            text: checkpointed, name: "the checkpoint's configuration",
            directory: FileManager.default.currentDirectoryPath)
        let earlier: Self = try source.read(requiresFiles: false)
        try checkContinues(earlier)
    }

    /// Paths where two resolved configurations differ, with both values; nil is a key that is not there.
    private static func differences(
        _ old: Node?, _ new: Node?, at path: ConfigurationPath
    ) -> [(path: ConfigurationPath, old: String, new: String)] {
        switch (old, new) {
        case _ where old == new || changeable.contains(path): return []
        case (.mapping(let old), .mapping(let new)):
            let keys = Array(old.keys) + new.keys.filter { old[$0] == nil }
            return keys.flatMap { differences(old[$0], new[$0], at: path.key($0.flow)) }
        case (.sequence(let old), .sequence(let new)) where old.count == new.count:
            return zip(old, new).enumerated().flatMap { differences($1.0, $1.1, at: path[$0]) }
        case (.scalar, .scalar) where path.lastKey == "samples": return []
        default: return [(path, abbreviated(old), abbreviated(new))]
        }
    }

    private static func abbreviated(_ node: Node?) -> String {
        guard let text = node?.flow else { return "nothing" }
        return "`" + (text.count > 60 ? text.prefix(59) + "…" : text) + "`"
    }
}

/// The text of a configuration, and where it comes from.
struct ConfigurationSource {
    let text: String
    /// What stands for the file in messages.
    let name: String
    /// Where relative paths start.
    let directory: String

    /// - Throws: `ConfigurationError` where the file cannot be read.
    init(file: String) throws {
        let url = URL(fileURLWithPath: file)
        text = try Self.contents(of: url)
        name = file
        directory = url.deletingLastPathComponent().path
    }

    init(text: String, name: String, directory: String) {
        (self.text, self.name, self.directory) = (text, name, directory)
    }

    /// Whether it describes a job on a text-to-image model.
    ///
    /// - Throws: `ConfigurationError` where it is no YAML.
    func describesImages() throws -> Bool {
        let keys = try root().mapping?.keys.compactMap(\.string) ?? []
        return !Set(keys).isDisjoint(with: ["model", "adapters", "prompts", "prompt_file"])
    }

    /// What `kind` says, if it says anything.
    ///
    /// - Throws: `ConfigurationError` where it is no YAML.
    func kind() throws -> String? { try root().mapping?["kind"]?.string }

    /// Reads and checks it.
    ///
    /// - Parameters:
    ///   - overrides: `key=value` in the order given, as in `training.steps=10`.
    ///   - requiresFiles: whether files that are named must be there.
    ///   - check: reports what else is wrong.
    /// - Throws: `ConfigurationError` with all problems.
    func read<Configuration: JobConfiguration>(
        _: Configuration.Type = Configuration.self, overrides: [String] = [], requiresFiles: Bool = true,
        check: (Configuration, ConfigurationReader) -> Void = { _, _ in }
    ) throws -> Configuration {
        var root = try root()
        let reader = ConfigurationReader(
            directory: directory,
            knownPaths: Format<Configuration>.mapping.references(.root).map(\.path))
        reader.apply(overrides, to: &root)
        let configuration: Configuration = reader.mapping(root, at: .root)
        check(configuration, reader)
        if requiresFiles { configuration.checkFiles(reader) }
        try reader.finish(source: name)
        return configuration
    }

    private func root() throws -> Node {
        do {
            return try YAMLDocument.root(of: text) ?? Node("", .implicit, .plain)
        } catch let error as YAMLDocument.SyntaxError {
            throw ConfigurationError(name, error.message, at: error.location)
        }
    }

    private static func contents(of url: URL) throws -> String {
        guard let data = isReadable(file: url.path) ? try? Data(contentsOf: url) : nil else {
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

    /// Whether there is a file, no directory, that may be read.
    static func isReadable(file path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
            && !isDirectory.boolValue
            && FileManager.default.isReadableFile(atPath: path)
    }
}

extension ConfigurationReader {
    /// Reports files and directories that are named and cannot be read.
    func requireReadable(_ files: [(place: ConfigurationPath, path: String?)]) {
        for (place, path) in files {
            guard let path, isRead(place), !FileManager.default.isReadableFile(atPath: path) else { continue }
            report(
                "there is no \(path) that can be read; relative paths start from \(directory)", at: place,
                isMissingFile: true)
        }
    }
}
