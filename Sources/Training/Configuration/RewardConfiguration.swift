/// One constraint of an alignment: E r ≥ threshold (`high`) or E r ≤ threshold (`low`).
public struct RewardConfiguration: Equatable, Sendable {
    public enum Function: Equatable, Sendable {
        /// wᵀx.
        case linear([Double])
        /// Mean of the coordinates.
        case mean
        /// Minus the mean squared difference to the mirror image.
        case mirror(width: Int, height: Int)
    }

    public enum Direction: String, CaseIterable, Sendable { case high, low }
    public enum Normalization: String, CaseIterable, Sendable { case none, base }

    public var name: String
    public var function: Function
    public var threshold: Double
    public var direction: Direction = .high
    public var normalize: Normalization = .none
}

extension RewardConfiguration: Keyed {
    static var blank: RewardConfiguration { RewardConfiguration(name: "", function: .mean, threshold: 0) }

    static var fields: [Field<RewardConfiguration>] {
        [
            .required("name", \.name, .text("name"), "Name in logs, files and the summary."),
            .alternative(
                "linear", of: \.function, Format.number().list(named: "list of numbers"),
                embed: { .linear($0) },
                extract: { if case .linear(let weights) = $0 { weights } else { nil } },
                "r(x) = wᵀx; the d numbers w."),
            .alternative(
                "mean", of: \.function, .flag, embed: { _ in .mean },
                extract: { $0 == .mean ? true : nil },
                "r(x) = mean of the coordinates."),
            .alternative(
                "mirror", of: \.function, .mapping,
                embed: { .mirror(width: $0.width, height: $0.height) },
                extract: {
                    if case .mirror(let width, let height) = $0 {
                        MirrorConfiguration(width: width, height: height)
                    } else {
                        nil
                    }
                },
                "r(x) = −mean squared difference to the left-right mirror image; x is an image, row by row."),
            .required(
                "threshold", \.threshold, .number(), unit: "of the reward; σ with `normalize: base`",
                "b of the constraint E r ≥ b."),
            .optional("direction", \.direction, .word, "`high`: E r ≥ threshold; `low`: E r ≤ threshold."),
            .optional(
                "normalize", \.normalize, .word,
                "`base`: the threshold is for (r − μ)/σ with the base model's mean and deviation."),
        ]
    }
}

/// Size of the images of a mirror reward.
struct MirrorConfiguration: Keyed {
    var width: Int
    var height: Int

    static var blank: MirrorConfiguration { MirrorConfiguration(width: 1, height: 1) }

    static var fields: [Field<MirrorConfiguration>] {
        [
            .required("width", \.width, .count, unit: "pixels", "Pixels in a row."),
            .required("height", \.height, .count, unit: "pixels", "Rows; width × height is `dimension`."),
        ]
    }
}
