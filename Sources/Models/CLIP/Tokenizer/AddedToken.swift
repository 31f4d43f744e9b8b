import WeightFiles

/// A token that is looked for in the text itself, before it is split into words.
struct AddedToken: Sendable, Equatable {
    var content: String
    /// Only where no letter or digit stands beside it.
    var isSingleWord = false
    /// Swallows the white space before it.
    var stripsLeft = false
    /// Swallows the white space after it.
    var stripsRight = false
    /// Looked for in the normalized text; nil for the opposite of `isSpecial`.
    var matchesNormalized: Bool?
    var isSpecial = false

    var isSoughtInNormalizedText: Bool { matchesNormalized ?? !isSpecial }
}

extension AddedToken: Decodable {
    private enum CodingKeys: String, CodingKey {
        case content
        case isSingleWord = "single_word"
        case stripsLeft = "lstrip"
        case stripsRight = "rstrip"
        case matchesNormalized = "normalized"
        case isSpecial = "special"
    }

    /// A string is a special token with no options.
    init(from decoder: any Decoder) throws {
        if let content = try? decoder.singleValueContainer().decode(String.self) {
            self.init(content: content, isSpecial: true)
            return
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func flag(_ key: CodingKeys) throws -> Bool? { try container.decodeIfPresent(Bool.self, forKey: key) }
        self.init(
            content: try container.decode(String.self, forKey: .content),
            isSingleWord: try flag(.isSingleWord) ?? false, stripsLeft: try flag(.stripsLeft) ?? false,
            stripsRight: try flag(.stripsRight) ?? false, matchesNormalized: try flag(.matchesNormalized),
            isSpecial: try flag(.isSpecial) ?? false)
    }
}
