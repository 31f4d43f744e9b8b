/// The part of regular expressions that PEFT's patterns of module names use, matched in bounded time.
///
/// Characters, `\.`, `.` and `\d`, each alone or with `*` or `+`; a leading `^` and a trailing `$`.
struct ModulePattern {
    private let elements: [Element]
    private let isAnchored: Bool

    private struct Element {
        var kind: Kind
        var repeats = false
        var isOptional = false
    }

    private enum Kind { case any, digit, character(Character) }

    /// nil for expressions with other operators.
    init?(_ text: String) {
        var rest = text[...]
        isAnchored = rest.first == "^"
        if isAnchored { rest.removeFirst() }
        if rest.last == "$" { rest.removeLast() }
        var elements: [Element] = []
        while let character = rest.popFirst() {
            switch character {
            case "*", "+":
                guard var last = elements.popLast(), !last.repeats else { return nil }
                last.repeats = true
                last.isOptional = character == "*"
                elements.append(last)
            case ".": elements.append(Element(kind: .any))
            case "\\":
                guard let escaped = rest.popFirst(), escaped == "d" || !(escaped.isLetter || escaped.isNumber)
                else { return nil }
                elements.append(Element(kind: escaped == "d" ? .digit : .character(escaped)))
            case "(", ")", "[", "]", "{", "}", "|", "?", "^", "$": return nil
            default: elements.append(Element(kind: .character(character)))
            }
        }
        self.elements = elements
    }

    /// Whether the whole path matches, or what follows one of its dots.
    func matches(endOf path: String) -> Bool {
        let characters = Array(path)
        let starts = [0] + characters.indices.filter { characters[$0] == "." }.map { $0 + 1 }
        return (isAnchored ? [0] : starts).contains { matchesAll(characters[$0...]) }
    }

    /// Follows all places in the pattern at once, so that no input takes more than length × length steps.
    private func matchesAll(_ characters: ArraySlice<Character>) -> Bool {
        var places = closure([0])
        for character in characters {
            var next: Set<Int> = []
            for place in places where place < elements.count && accepts(elements[place].kind, character) {
                next.insert(place + 1)
                if elements[place].repeats { next.insert(place) }
            }
            places = closure(next)
        }
        return places.contains(elements.count)
    }

    /// Adds the places behind elements that may be left out.
    private func closure(_ places: Set<Int>) -> Set<Int> {
        var result = places
        for place in elements.indices where result.contains(place) && elements[place].isOptional {
            result.insert(place + 1)
        }
        return result
    }

    private func accepts(_ kind: Kind, _ character: Character) -> Bool {
        switch kind {
        case .any: true
        case .digit: ("0"..."9").contains(character)
        case .character(let expected): character == expected
        }
    }
}
