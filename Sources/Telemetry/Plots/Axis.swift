import Foundation

/// A range of data with ticks at nice numbers.
package struct Axis: Sendable {
    /// How values are spread along the axis.
    package enum Scale: Sendable {
        case linear
        /// Values that are not positive have no place.
        case logarithmic
    }

    package struct Tick: Equatable, Sendable {
        package let value: Double
        package let label: String
    }

    package let scale: Scale
    package let lower: Double
    package let upper: Double
    package let ticks: [Tick]

    /// Beyond this, differences of values overflow.
    private static let magnitudeLimit = 1e300

    /// An axis that covers all drawable values; 0…1 (or 1…10) when there are none.
    /// - Parameters:
    ///   - padding: share of the range that is added at both ends.
    ///   - target: about how many ticks.
    package init(
        covering values: some Sequence<Double>, scale: Scale = .linear, padding: Double = 0, target: Int = 5
    ) {
        let isDrawable: (Double) -> Bool = {
            abs($0) <= Self.magnitudeLimit && (scale == .linear || $0 > 1 / Self.magnitudeLimit)
        }
        let drawable = values.filter(isDrawable)
        let range = drawable.min().flatMap { lower in drawable.max().map { (lower, $0) } }
        self.scale = scale
        switch scale {
        case .linear:
            (lower, upper) = Self.widened(range ?? (0, 1), padding: padding)
            ticks = Self.linearTicks(lower, upper, target: target)
        case .logarithmic:
            let (low, high) = range.map { (log10($0.0), log10($0.1)) } ?? (0, 1)
            // One value alone stands in the middle of a decade.
            let margin = high - low > 1e-9 ? (high - low) * padding : 0.5
            (lower, upper) = (pow(10, low - margin), pow(10, high + margin))
            ticks = Self.logarithmicTicks(lower, upper, target: target)
        }
    }

    /// An axis between two given ends.
    package init(from lower: Double, to upper: Double, target: Int = 5) {
        self.init(covering: [lower, upper], target: target)
    }

    /// Where the value stands, 0 at the lower and 1 at the upper end; NaN when it has no place.
    package func fraction(_ value: Double) -> Double {
        guard abs(value) <= Self.magnitudeLimit else { return .nan }
        switch scale {
        case .linear: return (value - lower) / (upper - lower)
        case .logarithmic: return value > 0 ? log10(value / lower) / log10(upper / lower) : .nan
        }
    }

    /// The range with its padding; a range that is one value, or too narrow for its ticks to differ, becomes
    /// wider.
    private static func widened(_ range: (Double, Double), padding: Double) -> (Double, Double) {
        let (lower, upper) = range
        let magnitude = max(abs(lower), abs(upper))
        guard upper - lower > 1e-9 * magnitude, magnitude > 1e-290 else {
            let margin = magnitude > 1e-290 ? magnitude / 10 : 1
            return (lower - margin, upper + margin)
        }
        let margin = (upper - lower) * padding
        return (lower - margin, upper + margin)
    }

    private static func linearTicks(_ lower: Double, _ upper: Double, target: Int) -> [Tick] {
        let step = niceStep((upper - lower) / Double(target))
        let first = Int((lower / step - 1e-6).rounded(.up))
        let last = Int((upper / step + 1e-6).rounded(.down))
        guard first <= last else { return [] }
        let magnitude = max(abs(lower), abs(upper))
        return (first...last).map { index in
            let value = Double(index) * step
            return Tick(value: value, label: label(value, step: step, magnitude: magnitude))
        }
    }

    /// The one of 1, 2, 5 × 10ⁿ that is nearest to `size` in ratio.
    private static func niceStep(_ size: Double) -> Double {
        let power = pow(10, log10(size).rounded(.down))
        let mantissa = size / power
        let nearest: Double = mantissa < 1.42 ? 1 : mantissa < 3.17 ? 2 : mantissa < 7.08 ? 5 : 10
        return nearest * power
    }

    /// As many places as the step has; powers of ten where plain digits would be long.
    private static func label(_ value: Double, step: Double, magnitude: Double) -> String {
        guard value != 0 else { return "0" }
        let stepExponent = Int((log10(step) + 1e-9).rounded(.down))
        guard magnitude >= 1e-3, magnitude < 1e6 else {
            let exponent = Int((log10(abs(value)) + 1e-9).rounded(.down))
            return tidy(String(format: "%.\(max(exponent - stepExponent, 0))e", value))
        }
        return tidy(NumberText.fixed(value, decimals: max(-stepExponent, 0)))
    }

    private static func logarithmicTicks(_ lower: Double, _ upper: Double, target: Int) -> [Tick] {
        let (first, last) = (Int(log10(lower).rounded(.down)), Int(log10(upper).rounded(.up)))
        let stride = max((last - first) / target, 1)
        let mantissas: [Double] = last - first > 3 ? [1] : [1, 2, 5]
        let values = Swift.stride(from: first, through: last, by: stride).flatMap { exponent in
            mantissas.map { $0 * pow(10, Double(exponent)) }
        }
        let inside = values.filter { $0 >= lower * (1 - 1e-9) && $0 <= upper * (1 + 1e-9) }
        guard inside.count >= 2 else { return linearTicks(lower, upper, target: target) }
        return inside.map { Tick(value: $0, label: tidy(String(format: "%.6g", $0))) }
    }

    /// 1e-05 becomes 1e−5: a true minus sign and no padding.
    private static func tidy(_ text: String) -> String {
        text.replacingOccurrences(of: "e+0", with: "e").replacingOccurrences(of: "e+", with: "e")
            .replacingOccurrences(of: "e-0", with: "e-").replacingOccurrences(of: "-", with: "−")
    }
}
