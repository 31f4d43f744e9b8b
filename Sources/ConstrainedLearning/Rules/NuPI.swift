/// νPI, a proportional–integral controller on smoothed violations (Sohrabi et al. 2024, Algorithm 1):
///
///     λ₁   = Π(λ₀ + κᵢ v₀ + κₚ ξ₀)
///     ξₖ   = ν ξₖ₋₁ + (1−ν) vₖ
///     λₖ₊₁ = Π(λₖ + κᵢ vₖ + κₚ (ξₖ − ξₖ₋₁)),  k ≥ 1
///
/// During the warm-up both gains are multiplied by (k+1)/W. κₚ = 0 is plain projected ascent.
public struct NuPI: DualRule, Equatable {
    public let domain: MultiplierDomain
    public let integralGain: Double
    public let proportionalGain: Double
    /// ν, 0 for no smoothing.
    public let smoothing: Double
    /// W, in updates; 0 for none.
    public let warmup: Int
    /// ξ₀; nil is 0.
    ///
    /// The authors of the method start at the thresholds b.
    public let initialSmoothed: [Double]?
    public private(set) var smoothedViolations: [Double] = []
    private var updates = 0

    public init(
        domain: MultiplierDomain, integralGain: Double, proportionalGain: Double, smoothing: Double,
        warmup: Int = 0, initialSmoothed: [Double]? = nil
    ) {
        precondition(
            integralGain > 0 && proportionalGain >= 0 && smoothing >= 0 && smoothing < 1 && warmup >= 0,
            "NuPI: got gains \(integralGain), \(proportionalGain), smoothing \(smoothing), "
                + "warm-up \(warmup), expected κᵢ > 0, κₚ ≥ 0, 0 ≤ ν < 1, warm-up ≥ 0")
        self.domain = domain
        self.integralGain = integralGain
        self.proportionalGain = proportionalGain
        self.smoothing = smoothing
        self.warmup = warmup
        self.initialSmoothed = initialSmoothed
    }

    public mutating func update(
        _ multipliers: [Double], violations: [Double], curvature: SquareMatrix?
    ) -> [Double] {
        requireMatching(multipliers, violations)
        let gain = warmup > 0 ? min(1, Double(updates + 1) / Double(warmup)) : 1
        let proportional: [Double]
        if updates == 0 {
            smoothedViolations = initialSmoothed ?? violations.map { _ in 0 }
            precondition(
                smoothedViolations.count == violations.count,
                "NuPI: got \(smoothedViolations.count) initial values, expected \(violations.count)")
            proportional = smoothedViolations
        } else {
            let before = smoothedViolations
            smoothedViolations = zip(before, violations).map { smoothing * $0 + (1 - smoothing) * $1 }
            proportional = zip(smoothedViolations, before).map { $0 - $1 }
        }
        updates += 1
        let next = multipliers.indices.map {
            multipliers[$0] + gain * (integralGain * violations[$0] + proportionalGain * proportional[$0])
        }
        return domain.projection(of: next)
    }

    public var state: [String: [Double]] {
        ["smoothed": smoothedViolations, "updates": [Double(updates)]]
    }

    public mutating func restore(_ state: [String: [Double]]) throws {
        let reader = StateReader(entries: state)
        let (smoothed, updates) = (try reader.vector("smoothed"), try reader.count("updates"))
        (smoothedViolations, self.updates) = (smoothed, updates)
    }
}
