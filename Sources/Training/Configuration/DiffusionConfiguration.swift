/// Noise schedule β_1 … β_T.
public struct ScheduleConfiguration: Equatable, Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        case linear
        case scaledLinear = "scaled_linear"
        case cosine
    }

    public var kind: Kind = .linear
    public var trainSteps = 200
    public var betaStart = 0.0005
    public var betaEnd = 0.1
}

/// DDIM sampling.
public struct SamplingConfiguration: Equatable, Sendable {
    public var steps = 200
    public var eta = 1.0
}

extension ScheduleConfiguration: Keyed {
    static var blank: ScheduleConfiguration { ScheduleConfiguration() }

    static var fields: [Field<ScheduleConfiguration>] {
        let beta = Format.number("number between 0 and 1") { $0 > 0 && $0 < 1 }
        return [
            .optional(
                "kind", \.kind, .word,
                "β_t linear in t, √β_t linear in t, or ᾱ_t a squared cosine, which has no use for the βs."),
            .optional(
                "train_steps", \.trainSteps, .integer("integer ≥ 2", in: 2...Int(Int32.max)), unit: "steps",
                "T."),
            .optional("beta_start", \.betaStart, beta, "β_1."),
            .optional("beta_end", \.betaEnd, beta, "β_T, at least β_1."),
        ]
    }

    func check(at path: ConfigurationPath, _ reader: ConfigurationReader) {
        reader.require(betaStart <= betaEnd, at: path.key("beta_end"), with: [path.key("beta_start")]) {
            "\(betaEnd) is less than beta_start = \(betaStart); noise must not shrink with t"
        }
    }
}

extension SamplingConfiguration: Keyed {
    static var blank: SamplingConfiguration { SamplingConfiguration() }

    static var fields: [Field<SamplingConfiguration>] {
        [
            .optional(
                "steps", \.steps, .count, unit: "steps", "DDIM steps, at most `schedule.train_steps`."),
            .optional(
                "eta", \.eta, .number("number from 0 to 1") { $0 >= 0 && $0 <= 1 },
                "Noise of a step: 0 is deterministic, 1 is DDPM; alignment needs more than 0."),
        ]
    }
}
