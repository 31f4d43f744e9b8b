/// Estimated widths of text in the reader's sans-serif font, which nobody knows when the plot is drawn.
enum TextMetrics {
    /// In user units; errs on the wide side.
    static func width(_ text: String, size: Double = 12) -> Double {
        text.unicodeScalars.reduce(0) { $0 + em($1) } * size
    }

    /// The text, or its beginning and an ellipsis, no wider than `limit`.
    static func fitted(_ text: String, to limit: Double, size: Double = 12) -> String {
        guard width(text, size: size) > limit else { return text }
        var kept = text[...]
        while !kept.isEmpty, width(kept + "…", size: size) > limit { kept.removeLast() }
        return kept + "…"
    }

    private static func em(_ scalar: Unicode.Scalar) -> Double {
        switch scalar {
        case "i", "j", "l", "t", "f", "r", "I", "'", ".", ",", ":", ";", "|", "!", " ", "(", ")", "[", "]",
            "-":
            0.37
        case "m", "w", "M", "W", "@", "%", "…": 0.95
        case "A"..."Z": 0.7
        case _ where scalar.value >= 0x2E80: 1.05
        default: 0.6
        }
    }
}
