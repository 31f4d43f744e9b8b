import ConstrainedLearning

/// What one dual iteration measured, as tables and files show it.
struct DualMeasurement: Sendable {
    /// Divergences or rewards.
    var measures: [Double]
    /// What the dual rule ascends on: b − E r, or the divergences themselves.
    var gradient: [Double]
    /// Positive is violated.
    var violations: [Double]
    var objective: Double
    /// The Lagrangian at the multipliers.
    var dualValue: Double
    /// −∂v/∂λ, where the problem can tell; row-major.
    var curvature: [Double]?
    /// More numbers for the files, named by the run.
    var extras: [Double] = []
}

/// The primal side of a run as the loop sees it; remembers its last measurement for the log.
final class PrimalSide: PrimalDualProblem {
    private let step: ([Double]) throws -> Void
    private let measurement: ([Double]) throws -> DualMeasurement
    private(set) var latest: DualMeasurement?

    init(
        step: @escaping ([Double]) throws -> Void, measurement: @escaping ([Double]) throws -> DualMeasurement
    ) {
        self.step = step
        self.measurement = measurement
    }

    func primalStep(multipliers: [Double]) throws { try step(multipliers) }

    func evaluate(multipliers: [Double]) throws -> PrimalEvaluation {
        let measured = try measurement(multipliers)
        latest = measured
        return PrimalEvaluation(
            violations: measured.gradient, objective: measured.objective,
            curvature: measured.curvature.map { SquareMatrix(order: multipliers.count, values: $0) })
    }
}

extension DualConfiguration {
    /// The rule that the configuration names.
    func makeRule(_ domain: MultiplierDomain) -> any DualRule {
        switch rule {
        case .adaptive: AdaptiveAscent(domain: domain)
        case .ascent, .simplex: ProjectedAscent(domain: domain, step: step, decay: decay)
        case .ema: SmoothedAscent(domain: domain, step: step, smoothing: smoothing)
        case .fixed: FixedMultipliers(domain: domain)
        case .nupi:
            NuPI(
                domain: domain, integralGain: kappaI, proportionalGain: kappaP, smoothing: smoothing,
                warmup: warmup)
        }
    }
}
