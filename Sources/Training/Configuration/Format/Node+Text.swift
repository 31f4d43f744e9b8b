import Yams

extension Node {
    /// The node as YAML: mappings in block style, lists of plain values in flow style.
    var text: String { lines.joined(separator: "\n") + "\n" }

    /// The node on one line.
    var flow: String {
        switch self {
        case .scalar(let scalar):
            return scalar.style == .doubleQuoted ? Self.quoted(scalar.string) : scalar.string
        case .sequence(let sequence): return "[" + sequence.map(\.flow).joined(separator: ", ") + "]"
        case .mapping(let mapping):
            return "{" + mapping.map { "\($0.key.flow): \($0.value.flow)" }.joined(separator: ", ") + "}"
        case .alias: return ""
        }
    }

    private var lines: [String] {
        switch self {
        case .mapping(let mapping) where !mapping.isEmpty:
            mapping.flatMap { key, value in
                value.isFlow
                    ? ["\(key.flow): \(value.flow)"] : ["\(key.flow):"] + value.lines.map { "  " + $0 }
            }
        case .sequence(let sequence) where !isFlow:
            sequence.flatMap { element in
                element.lines.enumerated().map { ($0 == 0 ? "- " : "  ") + $1 }
            }
        default: [flow]
        }
    }

    /// Whether there is no mapping inside that would need lines of its own.
    private var isFlow: Bool {
        switch self {
        case .scalar, .alias: true
        case .sequence(let sequence): sequence.allSatisfy(\.isFlow)
        case .mapping(let mapping): mapping.isEmpty
        }
    }

    private static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar -> String in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case "\n": "\\n"
            case "\t": "\\t"
            case let other where other.value > 0xFFFF || !isVisible(other):
                "\\U" + String(String(UInt64(other.value) + 0x1_0000_0000, radix: 16).dropFirst())
            default: String(scalar)
            }
        }
        return "\"" + escaped.joined() + "\""
    }

    private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned:
            false
        default: true
        }
    }
}
