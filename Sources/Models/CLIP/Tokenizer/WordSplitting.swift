/// What CLIP makes of a text before it looks for words: NFC, white space as single spaces, lower case.
///
/// Scalar by scalar, with no rule for the final sigma, as the reference does.
func normalized(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    for scalar in CanonicalComposition.apply(to: text) {
        if !scalar.properties.isWhitespace {
            result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
        } else if result.last != " " {
            result.append(" ")
        }
    }
    return result
}

/// The words of a normalized text: contractions, runs of letters, single digits, runs of anything else.
///
/// The reference's expression is
/// `<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`.
func words(in text: [Unicode.Scalar]) -> [ArraySlice<Unicode.Scalar>] {
    var words: [ArraySlice<Unicode.Scalar>] = []
    var start = 0
    while start < text.count {
        if CharacterKind(text[start]) == .space {
            start += 1
            continue
        }
        for length in wordLengths(text[start...]) {
            words.append(text[start..<(start + length)])
            start += length
        }
    }
    return words
}

/// Lengths of the word that `text` begins with; of several where a second expression cuts it again.
private func wordLengths(_ text: ArraySlice<Unicode.Scalar>) -> [Int] {
    // `<|…|>` is one match of the expression, but the byte-level step after it splits off the letters.
    for token in markers where text.starts(with: token) { return [2, token.count - 4, 2] }
    for contraction in contractions where text.starts(with: contraction) { return [contraction.count] }
    let kind = CharacterKind(text[text.startIndex])
    if kind == .number { return [1] }
    return [text.prefix { CharacterKind($0) == kind }.count]
}

private let markers = ["<|startoftext|>", "<|endoftext|>"].map { Array($0.unicodeScalars) }
private let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map { Array($0.unicodeScalars) }

private enum CharacterKind {
    case letter, number, space, other

    init(_ scalar: Unicode.Scalar) {
        self =
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
                Self.isKnown(scalar) ? .letter : .other
            case .decimalNumber, .letterNumber, .otherNumber: Self.isKnown(scalar) ? .number : .other
            default: scalar.properties.isWhitespace ? .space : .other
            }
    }

    /// Whether Unicode 16 has the character: the reference's regular expressions know no newer ones.
    private static func isKnown(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII || scalar.properties.age.map { $0.major <= 16 } ?? false
    }
}
