import Foundation
import Yams

/// Collects what is wrong while a configuration is read and checked, and knows where each value stands.
final class ConfigurationReader {
    /// Directory that relative paths of the configuration start from.
    let directory: String
    /// All keys of the file, to guess where an unknown one belongs.
    let knownPaths: [ConfigurationPath]
    /// Text of the `--set` that gave the value of a path.
    private var overrides: [ConfigurationPath: String] = [:]
    private var marks: [ConfigurationPath: Mark] = [:]
    /// Keys that an unknown key was probably meant to be.
    var misspelled: Set<ConfigurationPath> = []
    private var unread: Set<ConfigurationPath> = []
    private var problems: [ConfigurationProblem] = []

    init(directory: String, knownPaths: [ConfigurationPath]) {
        self.directory = directory
        self.knownPaths = knownPaths
    }

    /// Puts the values of `--set` into the tree, in the order given.
    func apply(_ overrides: [String], to root: inout Node) {
        for text in overrides {
            do {
                let override = try Override(text)
                try override.apply(to: &root)
                self.overrides[override.path] = text
            } catch {
                problems.append(
                    ConfigurationProblem(
                        path: "", location: .override(text), message: "\(error)", isMissingFile: false))
            }
        }
    }

    /// Remembers where the value of a path stands.
    func note(_ node: Node, at path: ConfigurationPath) {
        if let mark = node.mark { marks[path] = mark }
    }

    /// Reports a value that could not be read; checks that need it are left out from now on.
    func refuse(_ message: String, at path: ConfigurationPath) {
        report(message, at: path)
        distrust(path)
    }

    /// Reports something that leaves the values read usable.
    func report(_ message: String, at path: ConfigurationPath, isMissingFile: Bool = false) {
        problems.append(
            ConfigurationProblem(
                path: path.description, location: location(of: path), message: message,
                isMissingFile: isMissingFile))
    }

    /// Leaves out checks that need the value of a path.
    func distrust(_ path: ConfigurationPath) { unread.insert(path) }

    /// Whether the value of a path was read, and what holds it.
    func isRead(_ path: ConfigurationPath) -> Bool { unread.isDisjoint(with: path.lineage) }

    /// Reports `message` at a path unless `condition` holds or a value it is about could not be read.
    ///
    /// - Returns: whether the condition is known to hold.
    @discardableResult
    func require(
        _ condition: Bool, at path: ConfigurationPath, with others: [ConfigurationPath] = [],
        _ message: () -> String
    ) -> Bool {
        guard ([path] + others).allSatisfy(isRead) else { return false }
        if condition { return true }
        report(message(), at: path)
        return false
    }

    /// The absolute path of a file named in the configuration.
    func resolve(_ file: String) -> String {
        let start = URL(fileURLWithPath: directory, isDirectory: true)
        return URL(fileURLWithPath: file, relativeTo: start).standardizedFileURL.path
    }

    /// - Throws: `ConfigurationError` with all problems, in the order of the file.
    func finish(source: String) throws {
        guard !problems.isEmpty else { return }
        throw ConfigurationError(
            source: source, problems: problems.sorted { $0.location.order < $1.location.order })
    }

    /// Where the value of a path, or of what holds it, comes from.
    private func location(of path: ConfigurationPath) -> ConfigurationProblem.Location {
        // Positions in the text of an override say nothing, so overrides come first.
        if let text = path.lineage.lazy.compactMap({ self.overrides[$0] }).first { return .override(text) }
        // A mapping that an override made on its way.
        let inside = overrides.filter { marks[path] == nil && $0.key.lineage.contains(path) }
        if path != .root, let text = inside.values.min() { return .override(text) }
        guard let mark = path.lineage.lazy.compactMap({ self.marks[$0] }).first else { return .unknown }
        return .position(line: mark.line, column: mark.column)
    }
}

extension ConfigurationProblem.Location {
    /// Position in the file; what has none comes last.
    fileprivate var order: (Int, Int) {
        if case .position(let line, let column) = self { (line, column) } else { (.max, 0) }
    }
}
