import Yams

/// One `--set models[0].name=left`: a key path and the YAML of its new value.
struct Override {
    /// What was typed.
    let text: String
    private let steps: [Step]
    private let value: Node

    private enum Step {
        case key(String)
        case index(Int)
    }

    /// The path, with `-` read as `_`.
    var path: ConfigurationPath { Self.path(of: steps[...]) }

    /// - Throws: `OverrideError`.
    init(_ text: String) throws {
        self.text = text
        guard let equals = text.firstIndex(of: "="), let steps = Self.steps(text[..<equals]) else {
            throw OverrideError("expected key=value, as in `training.steps=10` or `models[0].name=left`")
        }
        self.steps = steps
        do {
            let value = try YAMLDocument.root(of: String(text[text.index(after: equals)...]))
            self.value = value ?? Node("", .implicit, .plain)
        } catch let error as YAMLDocument.SyntaxError {
            throw OverrideError("the value \(error.message)")
        }
    }

    /// Puts the value into the tree; mappings on the way are made where there are none.
    ///
    /// - Throws: `OverrideError`.
    func apply(to root: inout Node) throws { try apply(steps[...], to: &root) }

    private func apply(_ rest: ArraySlice<Step>, to node: inout Node) throws {
        guard let step = rest.first else {
            node = value
            return
        }
        let here = Self.path(of: steps.dropLast(rest.count)).description
        switch (step, node) {
        case (.key(let name), .mapping(var mapping)):
            let existing = mapping.firstIndex { $0.key.scalar?.string.normalizedKey == name }
            let key = existing.map { mapping[$0].key } ?? Node(name, .implicit, .plain)
            var child = existing.map { mapping[$0].value } ?? Node([(Node, Node)]())
            try apply(rest.dropFirst(), to: &child)
            mapping[key] = child
            node = .mapping(mapping)
        case (.index(let index), .sequence(var sequence)):
            guard index < sequence.count else {
                throw OverrideError("`\(here)` has \(sequence.count) elements, counted from 0")
            }
            try apply(rest.dropFirst(), to: &sequence[index])
            node = .sequence(sequence)
        case (.key(let name), _):
            throw OverrideError("`\(here)` is \(node.summary), so it has no key `\(name)`")
        case (.index(let index), _):
            throw OverrideError("`\(here)` is \(node.summary), so it has no element [\(index)]")
        }
    }

    /// The steps of `a.b[0].c`; nil if it is no such path.
    private static func steps(_ text: Substring) -> [Step]? {
        var steps: [Step] = []
        for part in text.split(separator: ".", omittingEmptySubsequences: false) {
            let pieces = part.split(separator: "[", omittingEmptySubsequences: false)
            guard let key = pieces.first?.trimmingWhitespace, !key.isEmpty else { return nil }
            steps.append(.key(key.normalizedKey))
            for piece in pieces.dropFirst() {
                guard piece.hasSuffix("]"), let index = Int(piece.dropLast()), index >= 0 else { return nil }
                steps.append(.index(index))
            }
        }
        return steps
    }

    private static func path(of steps: ArraySlice<Step>) -> ConfigurationPath {
        steps.reduce(.root) { path, step in
            switch step {
            case .key(let name): path.key(name)
            case .index(let index): path[index]
            }
        }
    }
}

/// Why a `--set` cannot be applied.
struct OverrideError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension Substring {
    fileprivate var trimmingWhitespace: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
