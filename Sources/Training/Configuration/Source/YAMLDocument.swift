import Foundation
import Yams

/// Parses YAML text into a tree without aliases.
///
/// Yams puts a copy of the anchored node wherever an alias stands, and hashes every key. A few lines of nested
/// aliases thus become a tree of billions of nodes, so aliases are hidden from it and replaced here, within a limit.
enum YAMLDocument {
    /// What is wrong with the text as YAML.
    struct SyntaxError: Error {
        let message: String
        let location: ConfigurationProblem.Location

        init(message: String, at mark: Mark?) {
            self.message = message
            location = mark.map { .position(line: $0.line, column: $0.column) } ?? .unknown
        }

        fileprivate init(message: String, at location: ConfigurationProblem.Location) {
            self.message = message
            self.location = location
        }
    }

    /// Nodes that aliases may add.
    private static let aliasLimit = 200_000
    /// Longest text, in bytes.
    private static let lengthLimit = 64 << 20
    /// A private-use character that stands for `*`. Unquoted text cannot start with `*`, so unquoted text that
    /// starts with this was an alias, and anywhere else it is a `*`.
    private static let hiddenStar: Character = "\u{F62A}"

    /// - Throws: `SyntaxError`.
    static func root(of text: String) throws -> Node? {
        guard text.utf8.count <= lengthLimit else {
            throw SyntaxError(
                message: "is longer than 64 MiB; put samples into a safetensors file", at: .unknown)
        }
        let text = text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text
        do {
            let parser = try Parser(
                yaml: text.replacing("*", with: String(hiddenStar)), encoding: .utf8)
            guard let root = try parser.singleRoot() else { return nil }
            // Nodes refer to their anchors weakly; the parser keeps them.
            return try withExtendedLifetime(parser) {
                var expansion = Expansion()
                return try expansion.expanded(root).node
            }
        } catch let error as YamlError {
            throw SyntaxError(error, text)
        }
    }

    /// Replaces aliases by what they stand for.
    private struct Expansion {
        /// Anchored nodes met so far, with their sizes in nodes.
        private var anchors: [String: (node: Node, size: Int)] = [:]
        private var added = 0

        mutating func expanded(_ node: Node) throws -> (node: Node, size: Int) {
            let result: (node: Node, size: Int)
            switch node {
            case .scalar(let scalar): result = try expanded(scalar)
            case .sequence(let sequence):
                let elements = try sequence.map { try expanded($0) }
                result = (
                    .sequence(.init(elements.map(\.node), .implicit, .any, sequence.mark)),
                    elements.reduce(1) { $0 + $1.size }
                )
            case .mapping(let mapping):
                let pairs = try mapping.map { (try key($0.key), try expanded($0.value)) }
                result = (
                    .mapping(.init(pairs.map { ($0, $1.node) }, .implicit, .any, mapping.mark)),
                    pairs.reduce(1) { $0 + 1 + $1.1.size }
                )
            case .alias: result = (node, 1)
            }
            if let anchor = node.anchor?.rawValue { anchors[anchor] = result }
            return result
        }

        private mutating func expanded(_ scalar: Node.Scalar) throws -> (node: Node, size: Int) {
            guard scalar.style == .plain, scalar.string.first == hiddenStar else {
                let text = scalar.string.replacing(String(hiddenStar), with: "*")
                return (.scalar(.init(text, .implicit, scalar.style, scalar.mark)), 1)
            }
            let name = String(scalar.string.dropFirst())
            guard let anchored = anchors[name] else {
                throw SyntaxError(
                    message: "the alias `*\(name)` has no anchor `&\(name)` before it", at: scalar.mark)
            }
            added += anchored.size
            guard added <= aliasLimit else {
                throw SyntaxError(
                    message: "aliases stand for more than \(aliasLimit) values; write them out",
                    at: scalar.mark)
            }
            return anchored
        }

        /// Keys are words.
        private mutating func key(_ node: Node) throws -> Node {
            guard case .scalar(let scalar) = node, scalar.string.first != hiddenStar || scalar.style != .plain
            else { throw SyntaxError(message: "a key must be a word", at: node.mark) }
            return try expanded(node).node
        }
    }
}

extension YAMLDocument.SyntaxError {
    fileprivate init(_ error: YamlError, _ text: String) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let doing = context.map { " \($0.text)" } ?? ""
            self.init(message: "is not valid YAML\(doing): \(problem)", at: mark)
        case .reader(let problem, let offset, _, _):
            self.init(
                message: "is not valid YAML: \(problem)",
                at: offset.map { Self.location(offset: $0, in: text) } ?? .unknown)
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.map { "`\($0)`" }.joined(separator: ", ")
            self.init(
                message: "the key \(names) is given twice in this mapping; remove one", at: context.mark)
        default: self.init(message: "is not valid YAML: \(error)", at: .unknown)
        }
    }

    private static func location(offset: Int, in text: String) -> ConfigurationProblem.Location {
        let before = text.prefix(offset)
        let line = before.lastIndex(where: \.isNewline).map { before[before.index(after: $0)...] } ?? before
        return .position(line: before.count(where: \.isNewline) + 1, column: line.count + 1)
    }
}
