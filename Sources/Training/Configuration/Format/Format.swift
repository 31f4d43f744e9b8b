import Yams

/// How values of a type stand in YAML: what they are called, how they are read, and how they are written.
struct Format<Value> {
    /// What is expected, as in `integer ≥ 1`.
    let name: String
    /// Reads a node; nil, with a problem reported, if it holds something else.
    let read: (Node, ConfigurationPath, ConfigurationReader) -> Value?
    let write: (Value) -> Node
    /// The keys inside, for the reference.
    var references: (ConfigurationPath) -> [KeyReference] = { _ in [] }
}

extension ConfigurationReader {
    /// Reports that a node is not what is expected.
    func refuse(_ node: Node, expected: String, at path: ConfigurationPath, remedy: String? = nil) {
        let article = expected.first.map { "aeiou".contains($0) } == true ? "an" : "a"
        refuse(
            "expected \(article) \(expected), found \(node.summary)" + (remedy.map { "; \($0)" } ?? ""),
            at: path)
    }
}

extension Node {
    /// The text of an unquoted scalar.
    var plain: String? {
        guard case .scalar(let scalar) = self, scalar.style == .plain else { return nil }
        return scalar.string
    }

    /// Whether nothing is written here, or `null`.
    var isNull: Bool { plain.map { ["", "~", "null", "Null", "NULL"].contains($0) } ?? false }

    /// What stands here, for messages.
    var summary: String {
        switch self {
        case .scalar(let scalar):
            if isNull { return "nothing" }
            let text = scalar.string.count > 40 ? scalar.string.prefix(40) + "…" : scalar.string[...]
            return scalar.style == .plain ? "`\(text)`" : "the text \"\(text)\""
        case .sequence(let sequence): return "a list of \(sequence.count)"
        case .mapping: return "a mapping"
        case .alias: return "an alias"
        }
    }
}

extension Format {
    /// The same, or nothing.
    var optional: Format<Value?> {
        Format<Value?>(
            name: name,
            read: { node, path, reader in node.isNull ? .some(nil) : read(node, path, reader).map { $0 } },
            write: { $0.map(write) ?? Node("null", .implicit, .plain) },
            references: references)
    }

    /// A list of such values.
    func list(named name: String) -> Format<[Value]> {
        Format<[Value]>(
            name: name,
            read: { node, path, reader in
                guard case .sequence(let sequence) = node else {
                    reader.refuse(node, expected: name, at: path)
                    return nil
                }
                let values = sequence.enumerated().map { index, element in
                    reader.note(element, at: path[index])
                    return read(element, path[index], reader)
                }
                let complete = values.compactMap { $0 }
                guard complete.count == values.count else {
                    reader.distrust(path)
                    return nil
                }
                return complete
            },
            write: { Node($0.map(write), .implicit) },
            references: { references($0.elements) })
    }
}
