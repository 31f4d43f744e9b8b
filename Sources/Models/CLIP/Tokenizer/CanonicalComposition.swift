import Foundation

/// Unicode normalization form C by the tables of Unicode 9, which the reference tokenizer has.
///
/// Unicode Standard Annex 15. Foundation's own form C leaves a Hangul syllable and its final consonant apart,
/// composes letters with marks that only share low bits with theirs, and orders marks that are newer.
enum CanonicalComposition {
    static func apply(to text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        // Nothing below U+0300 changes.
        guard text.contains(where: { $0.value >= 0x300 }) else { return text }
        var scalars = text.flatMap(decomposition)
        orderMarks(&scalars)
        return composed(scalars)
    }

    /// Sorts each run of marks by combining class and keeps the order within a class.
    private static func orderMarks(_ scalars: inout [Unicode.Scalar]) {
        var start = 0
        while start < scalars.count {
            let marks = scalars[start...].prefix { combiningClass($0) > 0 }
            if marks.count > 1 {
                let ordered = marks.enumerated().sorted {
                    (combiningClass($0.element), $0.offset) < (combiningClass($1.element), $1.offset)
                }
                scalars.replaceSubrange(marks.indices, with: ordered.map(\.element))
            }
            start = marks.endIndex + 1
        }
    }

    private static func composed(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var starter: Int?
        var lastClass: UInt8 = 0
        for scalar in scalars {
            let thisClass = combiningClass(scalar)
            if let starter, starter == result.count - 1 || lastClass < thisClass,
                let composite = composite(result[starter], scalar)
            {
                result[starter] = composite
                continue
            }
            if thisClass == 0 { starter = result.count }
            lastClass = thisClass
            result.append(scalar)
        }
        return result
    }

    private static func decomposition(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        guard !scalar.isASCII, isKnown(scalar) else { return [scalar] }
        return Array(String(scalar).decomposedStringWithCanonicalMapping.unicodeScalars)
    }

    private static func combiningClass(_ scalar: Unicode.Scalar) -> UInt8 {
        scalar.isASCII || !isKnown(scalar) ? 0 : scalar.properties.canonicalCombiningClass.rawValue
    }

    private static func isKnown(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.age.map { $0.major <= 9 } ?? false
    }

    private static func composite(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
        composites[Pair(first: first, second: second)] ?? hangul(first, second)
    }

    /// The Unicode Standard, §3.12: L + V → LV, LV + T → LVT.
    private static func hangul(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
        let (leading, vowel) = (Int(first.value) - 0x1100, Int(second.value) - 0x1161)
        if (0..<19).contains(leading), (0..<21).contains(vowel) {
            return Unicode.Scalar(UInt32(0xAC00 + (leading * 21 + vowel) * 28))
        }
        let (syllable, trailing) = (Int(first.value) - 0xAC00, Int(second.value) - 0x11A7)
        guard (0..<11172).contains(syllable), syllable % 28 == 0, (1..<28).contains(trailing) else {
            return nil
        }
        return Unicode.Scalar(first.value + UInt32(trailing))
    }

    private struct Pair: Hashable {
        let first: Unicode.Scalar
        let second: Unicode.Scalar
    }

    /// Primary composites by the pair they are made of.
    private static let composites: [Pair: Unicode.Scalar] = {
        // All blocks that have any, up to Unicode 9; Hangul is computed.
        let blocks: [ClosedRange<UInt32>] = [0xC0...0x30FF, 0x11080...0x115FF]
        let decomposed = blocks.joined().compactMap(Unicode.Scalar.init).map { ($0, decomposition($0)) }
        var table: [Pair: Unicode.Scalar] = [:]
        for (scalar, parts) in decomposed.sorted(by: { $0.1.count < $1.1.count })
        where parts.count > 1 && isStable(scalar) {
            // Shorter ones are in the table, so that all parts but the last compose.
            let first = parts.dropFirst().dropLast().reduce(Optional(parts[0])) { first, part in
                first.flatMap { table[Pair(first: $0, second: part)] }
            }
            if let first { table[Pair(first: first, second: parts[parts.count - 1])] = scalar }
        }
        return table
    }()

    /// Whether form C keeps the scalar: false for those that Unicode excludes from composition.
    private static func isStable(_ scalar: Unicode.Scalar) -> Bool {
        Array(String(scalar).precomposedStringWithCanonicalMapping.unicodeScalars) == [scalar]
    }
}
