import Foundation

/// How numbers are spelt for people and for files.
public enum NumberText {
    /// The value to `digits` significant digits without trailing zeros: 0.5, 12.35, 1.2e-05; `nan`, `inf`.
    public static func significant(_ value: Double, digits: Int = 4) -> String {
        guard value.isFinite else { return nonFinite(value) }
        return value == 0 ? "0" : String(format: "%.\(digits)g", value)
    }

    /// The value with exactly `decimals` places.
    public static func fixed(_ value: Double, decimals: Int) -> String {
        value.isFinite ? String(format: "%.\(decimals)f", value) : nonFinite(value)
    }

    /// A number for a column of width `columnWidth(digits:)`.
    ///
    /// `digits` significant ones between 0.001 and 10^digits, else an exponent and two fewer. Exact zero, an
    /// inactive multiplier, is "0".
    package static func column(_ value: Double, digits: Int) -> String {
        guard value.isFinite else { return nonFinite(value) }
        guard value != 0 else { return "0" }
        let plain = String(format: "%#.\(digits)g", value)
        let isPlain = !plain.contains("e") && abs(value) >= 1e-3
        let text = isPlain ? plain : String(format: "%.\(max(digits - 2, 0))e", value)
        return text.hasSuffix(".") ? String(text.dropLast()) : text
    }

    /// Sign, "0.00" and the digits.
    package static func columnWidth(digits: Int) -> Int { digits + 5 }

    /// Hours, minutes and seconds: 0:07, 12:05, 3:02:09.
    package static func clock(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "?" }
        let total = Int(seconds.rounded())
        let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60)
        return hours > 0
            ? String(format: "%d:%02d:%02d", hours, minutes, rest) : String(format: "%d:%02d", minutes, rest)
    }

    /// The shortest text that reads back as the same double.
    ///
    /// Valid JSON for finite values; `nan`, `inf`, `-inf`
    /// (what pandas and NumPy read as floats) for the others.
    package static func exact(_ value: Double) -> String {
        value.isFinite ? value.description : nonFinite(value)
    }

    private static func nonFinite(_ value: Double) -> String {
        value.isNaN ? "nan" : value > 0 ? "inf" : "-inf"
    }
}
