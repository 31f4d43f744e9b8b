/// A regular expression over module paths, as PEFT's `rank_pattern` and `alpha_pattern` hold them.
///
/// Characters, classes, `.`, `\d`, `\w` and groups with `|`, each alone or with `?`, `*` or `+`; a leading `^` and a
/// trailing `$`. All ways to match are followed at once, so that no pattern of a file takes exponential time.
package struct ModulePattern {
    private let expression: Expression
    private let isAnchored: Bool

    /// nil for expressions with other operators, and for those that nest deeper than any sensible one.
    package init?(_ text: String) {
        var rest = text[...]
        isAnchored = rest.first == "^"
        if isAnchored { rest.removeFirst() }
        if rest.last == "$", !rest.hasSuffix("\\$") { rest.removeLast() }
        var parser = PatternParser(rest: rest)
        guard let branches = parser.branches(depth: 0), parser.rest.isEmpty else { return nil }
        // The anchor would belong to the first branch only.
        guard !isAnchored || branches.count == 1 else { return nil }
        expression = .either(branches)
    }

    /// Whether the whole path matches, or what follows one of its dots.
    package func matches(endOf path: String) -> Bool {
        let characters = Array(path)
        let starts = [0] + characters.indices.filter { characters[$0] == "." }.map { $0 + 1 }
        return expression.ends(in: characters, from: isAnchored ? [0] : Set(starts)).contains(
            characters.count)
    }
}

private indirect enum Expression {
    case character((Character) -> Bool)
    case sequence([Expression])
    case either([Expression])
    case optional(Expression)
    /// Once or more.
    case repeated(Expression)

    /// Where matches that start at one of `places` may end.
    func ends(in text: [Character], from places: Set<Int>) -> Set<Int> {
        switch self {
        case .character(let accepts):
            return Set(places.filter { $0 < text.count && accepts(text[$0]) }.map { $0 + 1 })
        case .sequence(let parts): return parts.reduce(places) { $1.ends(in: text, from: $0) }
        case .either(let branches):
            return branches.reduce(into: []) { $0.formUnion($1.ends(in: text, from: places)) }
        case .optional(let part): return places.union(part.ends(in: text, from: places))
        case .repeated(let part):
            var all: Set<Int> = []
            var latest = part.ends(in: text, from: places)
            while !latest.isEmpty {
                all.formUnion(latest)
                latest = part.ends(in: text, from: latest).subtracting(all)
            }
            return all
        }
    }
}

/// Recursive descent over a pattern; every method returns nil where the pattern is not understood.
private struct PatternParser {
    private static let deepest = 8
    var rest: Substring

    /// `a|b|c`, up to the end or a closing bracket.
    mutating func branches(depth: Int) -> [Expression]? {
        guard depth <= Self.deepest else { return nil }
        var branches: [Expression] = []
        repeat {
            guard let branch = sequence(depth) else { return nil }
            branches.append(branch)
        } while accept("|")
        return branches
    }

    private mutating func sequence(_ depth: Int) -> Expression? {
        var parts: [Expression] = []
        while let next = rest.first, next != "|", next != ")" {
            guard let part = atom(depth) else { return nil }
            parts.append(repetition(of: part))
        }
        return .sequence(parts)
    }

    private mutating func repetition(of part: Expression) -> Expression {
        let repeated: Expression
        switch rest.first {
        case "?": repeated = .optional(part)
        case "*": repeated = .optional(.repeated(part))
        case "+": repeated = .repeated(part)
        default: return part
        }
        rest.removeFirst()
        // Lazy or not, the same paths match.
        _ = accept("?")
        return repeated
    }

    private mutating func atom(_ depth: Int) -> Expression? {
        switch rest.popFirst() {
        case "(":
            if rest.hasPrefix("?:") { rest.removeFirst(2) }
            guard let branches = branches(depth: depth + 1), accept(")") else { return nil }
            return .either(branches)
        case "[": return characterClass().map(Expression.character)
        case ".": return .character { _ in true }
        case "\\": return escape().map(Expression.character)
        case nil, ")", "]", "{", "}", "?", "*", "+", "^", "$": return nil
        case .some(let character): return .character { $0 == character }
        }
    }

    /// `abc0-9]`, or the same with a leading `^` for all others.
    private mutating func characterClass() -> ((Character) -> Bool)? {
        let isNegated = accept("^")
        var members: [(Character) -> Bool] = []
        while let first = rest.popFirst(), first != "]" {
            if first == "\\" {
                guard let member = escape() else { return nil }
                members.append(member)
            } else if rest.first == "-", let last = rest.dropFirst().first, last != "]" {
                guard first <= last else { return nil }
                rest.removeFirst(2)
                members.append { (first...last).contains($0) }
            } else {
                members.append { $0 == first }
            }
            if rest.isEmpty { return nil }
        }
        guard !members.isEmpty else { return nil }
        return { character in members.contains { $0(character) } != isNegated }
    }

    private mutating func escape() -> ((Character) -> Bool)? {
        switch rest.popFirst() {
        case "d": return { ("0"..."9").contains($0) }
        case "w": return { $0 == "_" || $0.isLetter || $0.isNumber }
        case .some(let character) where !character.isLetter && !character.isNumber: return { $0 == character }
        default: return nil
        }
    }

    private mutating func accept(_ character: Character) -> Bool {
        guard rest.first == character else { return false }
        rest.removeFirst()
        return true
    }
}
