import Rewards
import Yams

extension Format where Value == Double {
    /// A finite number for which `isAllowed`.
    static func number(_ name: String = "number", _ isAllowed: @escaping (Double) -> Bool = { _ in true })
        -> Self
    {
        Format(
            name: name,
            read: { node, path, reader in
                guard let value = number(in: node.plain) else {
                    let remedy = number(in: node.scalar?.string) == nil ? nil : "remove the quotes"
                    reader.refuse(node, expected: name, at: path, remedy: remedy)
                    return nil
                }
                guard value.isFinite, isAllowed(value) else {
                    reader.refuse(node, expected: value.isFinite ? name : "finite \(name)", at: path)
                    return nil
                }
                return value
            },
            write: { Node(text(of: $0), .implicit, .plain) })
    }

    static var positive: Self { number("number > 0") { $0 > 0 } }
    static var nonnegative: Self { number("number ≥ 0") { $0 >= 0 } }

    /// YAML's decimal notation, with `.inf` and `.nan`; `_` may separate digits.
    private static func number(in text: String?) -> Double? {
        guard let text else { return nil }
        let special = [
            ".inf": Double.infinity, "+.inf": .infinity, "-.inf": -.infinity, ".nan": .nan, "inf": .infinity,
            "-inf": -.infinity, "nan": .nan,
        ]
        if let value = special[text.lowercased()] { return value }
        guard text.allSatisfy({ $0.isASCII && ($0.isNumber || "+-.eE_".contains($0)) }) else { return nil }
        return Double(text.filter { $0 != "_" })
    }

    /// The shortest text that reads back as `value`, with the point that YAML 1.1 readers need.
    private static func text(of value: Double) -> String {
        let text = "\(value)"
        guard let exponent = text.firstIndex(of: "e"), !text.contains(".") else { return text }
        return text[..<exponent] + ".0" + text[exponent...]
    }
}

extension Format where Value: FixedWidthInteger {
    /// An integer of `range`.
    static func integer(_ name: String, in range: ClosedRange<Value>) -> Self {
        Format(
            name: name,
            read: { node, path, reader in
                let digits = node.plain?.filter { $0 != "_" }
                guard let value = digits.flatMap({ Value($0) }), range.contains(value) else {
                    let isTooLarge =
                        digits.flatMap { Double($0) }.map { $0 >= Double(range.upperBound) } ?? false
                    reader.refuse(
                        node, expected: name, at: path,
                        remedy: isTooLarge ? "the largest is \(range.upperBound)" : nil)
                    return nil
                }
                return value
            },
            write: { Node("\($0)", .implicit, .plain) })
    }
}

extension Format where Value == Int {
    // Sizes stay below 2^31, so that products of two never overflow.
    static var count: Self { integer("integer ≥ 1", in: 1...Int(Int32.max)) }
    static var natural: Self { integer("integer ≥ 0", in: 0...Int(Int32.max)) }
}

extension Format where Value == Bool {
    /// `true`; what is switched off is left out instead.
    static var flag: Self {
        Format(
            name: "`true`",
            read: { node, path, reader in
                guard node.plain == "true" else {
                    let remedy = node.plain == "false" ? "leave the key out instead" : "write true"
                    reader.refuse(node, expected: "`true`", at: path, remedy: remedy)
                    return nil
                }
                return true
            },
            write: { _ in Node("true", .implicit, .plain) })
    }
}

extension Format where Value == String {
    /// Text; what YAML takes for a number, a boolean or nothing must be quoted.
    static func text(_ name: String = "text") -> Self {
        Format(
            name: name,
            read: { node, path, reader in
                guard case .scalar(let scalar) = node, !node.isNull else {
                    reader.refuse(node, expected: name, at: path)
                    return nil
                }
                guard node.plain == nil || !isTaken(scalar.string) else {
                    reader.refuse(node, expected: name, at: path, remedy: "write it in quotes")
                    return nil
                }
                return scalar.string
            },
            write: node(for:))
    }

    /// A file, absolute; relative ones start from the directory of the configuration.
    static var file: Self {
        Format(
            name: "path",
            read: { node, path, reader in
                guard let text = text("path").read(node, path, reader) else { return nil }
                guard !text.isEmpty else {
                    reader.refuse("is empty; give the path of a file", at: path)
                    return nil
                }
                return reader.resolve(text)
            },
            write: node(for:))
    }

    private static func node(for text: String) -> Node {
        let isPlain =
            !isTaken(text) && text.first.map { $0.isLetter || $0 == "/" } == true
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-".contains($0)) }
        return Node(text, .implicit, isPlain ? .plain : .doubleQuoted)
    }

    /// Whether readers of YAML 1.1 or 1.2 take the unquoted text for something else.
    private static func isTaken(_ text: String) -> Bool {
        let words = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "~", ""]
        return words.contains(text.lowercased()) || Double(text.filter { $0 != "_" }) != nil
    }
}

extension Format where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of the type's words; `-` and `_` are alike.
    static var word: Self {
        let words = Value.allCases.map(\.rawValue)
        let name = words.map { "`\($0)`" }.joined(separator: ", ")
        return Format(
            name: name,
            read: { node, path, reader in
                let word = node.scalar?.string.normalizedKey
                if let value = word.flatMap(Value.init(rawValue:)) { return value }
                let remedy = word.flatMap { nearestMatch(to: $0, among: words) }.map {
                    "; did you mean `\($0)`?"
                }
                reader.refuse("expected one of \(name); found \(node.summary)" + (remedy ?? ""), at: path)
                return nil
            },
            write: { Node($0.rawValue, .implicit, .plain) })
    }
}

extension String {
    /// Keys and words are the same with `-` for `_`.
    var normalizedKey: String { String(map { $0 == "-" ? "_" : $0 }) }
}
