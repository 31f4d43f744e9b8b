/// Annealed MCMC on the product of scores.
public struct MCMCConfiguration: Equatable, Sendable {
    public enum Sampler: String, CaseIterable, Sendable { case ula, mala, uhmc, hmc }

    public var sampler: Sampler = .mala
    public var levels = 20
    public var stepsPerLevel = 2
    public var chains = 1024
    /// Step relative to the square of a level's noise scale.
    public var stepSize = 0.5
}

extension MCMCConfiguration: Keyed {
    static var blank: MCMCConfiguration { MCMCConfiguration() }

    static var fields: [Field<MCMCConfiguration>] {
        [
            .optional(
                "sampler", \.sampler, .word,
                "`mala` and `hmc` accept or reject, so they are unbiased; `ula` and `uhmc` do not."),
            .optional("levels", \.levels, .count, "Noise levels, evenly spaced in log γ."),
            .optional(
                "steps_per_level", \.stepsPerLevel, .count, unit: "steps",
                "Steps at each level; four times as many where the noise is as wide as the data."),
            .optional("chains", \.chains, .count, "Chains, a multiple of `training.micro_batch`."),
            .optional(
                "step_size", \.stepSize, .positive,
                "First step, relative to the square of a level's noise scale; it adapts."),
        ]
    }
}
