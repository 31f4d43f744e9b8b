/// The added tokens with their ids, and where a text has them.
struct AddedVocabulary: Sendable {
    private let encoder: BytePairEncoder
    private var ids: [String: Int32] = [:]
    private var soughtRaw: [SoughtToken] = []
    private var soughtNormalized: [SoughtToken] = []

    private struct SoughtToken: Sendable {
        let text: [Unicode.Scalar]
        let id: Int32
        let token: AddedToken
    }

    enum Piece {
        case token(Int32)
        /// Normalized text between tokens.
        case text([Unicode.Scalar])
    }

    /// - Parameters:
    ///   - tokens: a later one takes the place of an earlier one with the same content.
    ///   - splitsSpecial: special tokens in a text are text.
    init(_ tokens: [AddedToken], encoder: BytePairEncoder, splitsSpecial: Bool) {
        self.encoder = encoder
        var kept: [String: AddedToken] = [:]
        for token in tokens where !token.content.isEmpty {
            kept[token.content] = token
            if ids[token.content] == nil { ids[token.content] = nextID(for: token.content) }
        }
        for (content, id) in ids.sorted(by: { $0.value < $1.value }) {
            guard let token = kept[content], !(splitsSpecial && token.isSpecial) else { continue }
            let scalars = Array(content.unicodeScalars)
            if token.isSoughtInNormalizedText {
                soughtNormalized.append(SoughtToken(text: normalized(scalars), id: id, token: token))
            } else {
                soughtRaw.append(SoughtToken(text: scalars, id: id, token: token))
            }
        }
    }

    /// The vocabulary's own id, or one after all others.
    private func nextID(for content: String) -> Int32 {
        if let id = encoder.id(of: content) { return id }
        return max(Int32(encoder.count), (ids.values.max() ?? -1) + 1)
    }

    func id(of token: String) -> Int32? { ids[token] ?? encoder.id(of: token) }

    var largestID: Int32 { ids.values.max() ?? 0 }

    /// Tokens and the normalized text between them, in order.
    func pieces(of text: [Unicode.Scalar]) -> [Piece] {
        split(text, at: soughtRaw).flatMap { piece -> [Piece] in
            guard case .text(let scalars) = piece else { return [piece] }
            return split(normalized(scalars), at: soughtNormalized)
        }
    }

    private func split(_ text: [Unicode.Scalar], at tokens: [SoughtToken]) -> [Piece] {
        var pieces: [Piece] = []
        var taken = 0
        var position = 0
        while position < text.count {
            guard let found = longest(tokens, in: text, at: position) else {
                position += 1
                continue
            }
            let end = position + found.text.count
            defer { position = end }
            if found.token.isSingleWord, isWord(text, position - 1) || isWord(text, end) { continue }
            let start = found.token.stripsLeft ? max(taken, spacesBefore(position, text)) : position
            if taken < start { pieces.append(.text(Array(text[taken..<start]))) }
            pieces.append(.token(found.id))
            taken = found.token.stripsRight ? spacesAfter(end, text) : end
        }
        if taken < text.count { pieces.append(.text(Array(text[taken...]))) }
        return pieces
    }

    /// The longest token that begins at `position`.
    private func longest(_ tokens: [SoughtToken], in text: [Unicode.Scalar], at position: Int) -> SoughtToken?
    {
        var longest: SoughtToken?
        for token in tokens where token.text.first == text[position] {
            let isLonger = token.text.count > longest?.text.count ?? 0
            if isLonger, text[position...].starts(with: token.text) { longest = token }
        }
        return longest
    }

    private func spacesBefore(_ end: Int, _ text: [Unicode.Scalar]) -> Int {
        var start = end
        while start > 0, text[start - 1].properties.isWhitespace { start -= 1 }
        return start
    }

    private func spacesAfter(_ start: Int, _ text: [Unicode.Scalar]) -> Int {
        var end = start
        while end < text.count, text[end].properties.isWhitespace { end += 1 }
        return end
    }

    /// `\w` of Unicode Technical Standard 18, Annex C.
    private func isWord(_ text: [Unicode.Scalar], _ index: Int) -> Bool {
        guard text.indices.contains(index) else { return false }
        let properties = text[index].properties
        return switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: true
        default: properties.isAlphabetic || properties.isJoinControl
        }
    }
}
