/// The dual update.
public struct DualConfiguration: Equatable, Sendable {
    public enum Rule: String, CaseIterable, Sendable {
        case adaptive, ascent, ema, nupi, simplex, fixed
    }

    public var rule: Rule = .adaptive
    /// η_d of `ascent`, `ema` and `simplex`.
    public var step = 0.1
    /// Factor on the step after every iteration.
    public var decay = 1.0
    /// ν of the moving average of violations.
    public var smoothing = 0.9
    public var kappaI = 0.1
    public var kappaP = 0.1
    public var warmup = 0
    /// λ(1); nil for 1/m.
    public var initial: [Double]?
    /// KKT residual, relative to the size of the problem, below which a run has converged; nil takes the default of
    /// the problem.
    public var tolerance: Double?
    /// Iterations over which it must stay below.
    public var window = 10
    /// The result is the mean of so many last iterates; nil for that of a quarter of the run, at least `window`.
    public var average: Int?
}

extension DualConfiguration: Keyed {
    static var blank: DualConfiguration { DualConfiguration() }

    static var fields: [Field<DualConfiguration>] {
        [
            .optional(
                "rule", \.rule, .word,
                "`adaptive` scales its step by the observed curvature; `ascent` is λ ← [λ + η v]₊; `ema` ascends "
                    + "on averaged violations; `nupi` is νPI; `simplex` projects onto the simplex; "
                    + "`fixed` leaves λ at `initial`, as weights set by hand."),
            .optional("step", \.step, .positive, "η of `ascent`, `ema` and `simplex`."),
            .optional(
                "decay", \.decay, .number("number above 0, at most 1") { $0 > 0 && $0 <= 1 },
                "Factor on the step after every iteration."),
            .optional(
                "smoothing", \.smoothing, .number("number from 0 to below 1") { $0 >= 0 && $0 < 1 },
                "ν of the moving average of violations, for `ema` and `nupi`."),
            .optional("kappa_i", \.kappaI, .nonnegative, "Integral gain κ_i of `nupi`."),
            .optional("kappa_p", \.kappaP, .nonnegative, "Proportional gain κ_p of `nupi`."),
            .optional(
                "warmup", \.warmup, .natural, unit: "iterations",
                "Iterations over which the gains of `nupi` grow to their values."),
            .optional(
                "initial", \.initial, Format.nonnegative.list(named: "list of numbers ≥ 0").optional,
                default: "1/m each", "λ(1), one per constraint; sums to 1 for compositions."),
            .optional(
                "tolerance", \.tolerance, Format.positive.optional,
                default: "0.001; 0.005 with learned scores, 0.01 with rewards that bend",
                "KKT residual, relative to the size of the problem, below which a run has converged."),
            .optional(
                "window", \.window, .integer("integer from 2 to 512", in: 2...512), unit: "iterations",
                "Iterations over which it must stay below."),
            .optional(
                "average", \.average, Format.integer("integer from 1 to 512", in: 1...512).optional,
                unit: "iterates", default: "a quarter of the run, at least `window`",
                "The multipliers of the result are the mean of so many last ones."),
        ]
    }
}
