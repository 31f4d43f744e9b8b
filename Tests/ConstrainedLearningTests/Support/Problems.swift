import ConstrainedLearning
import Foundation

/// A problem given by its violations as a function of λ, exact or with noise, and a primal that goes the
/// share `pace` of the way to its minimiser in each step.
struct AnalyticProblem: PrimalDualProblem {
    /// v(μ) of the model that is optimal at μ.
    let violations: @Sendable ([Double]) -> [Double]
    var pace = 1.0
    /// Standard deviation of the noise on each violation.
    var deviation = 0.0
    var noise = Noise(seed: 1)
    /// The model's present μ; nil before the first step, when it is the base model of `start`.
    var position: [Double]?
    var start: [Double]
    var curvature: SquareMatrix?
    private(set) var steps = 0

    init(count: Int, violations: @escaping @Sendable ([Double]) -> [Double]) {
        self.violations = violations
        start = [Double](repeating: 0, count: count)
    }

    mutating func primalStep(multipliers: [Double]) {
        position = zip(position ?? start, multipliers).map { $0 + pace * ($1 - $0) }
        steps += 1
    }

    mutating func evaluate(multipliers: [Double]) -> PrimalEvaluation {
        let exact = violations(position ?? start)
        return PrimalEvaluation(
            violations: exact.map { $0 + (deviation > 0 ? deviation * noise.normal() : 0) },
            curvature: curvature)
    }
}

/// m models N(mᵢ, s²I): p_λ = N(Σλᵢmᵢ, s²I), KLᵢ = ‖m_λ − mᵢ‖²/2s².
struct IsotropicProduct {
    let means: [[Double]]
    let variance: Double

    func divergences(_ multipliers: [Double]) -> [Double] {
        var center = means[0].map { _ in 0.0 }
        for (multiplier, mean) in zip(multipliers, means) {
            for k in center.indices { center[k] += multiplier * mean[k] }
        }
        return means.map { mean in
            zip(center, mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / (2 * variance)
        }
    }

    /// λ* and u*: the smallest enclosing ball by trying every support.
    ///
    /// Its centre is the one point at equal distances from a support set that is a convex combination of the
    /// set and has every other mean within that distance.
    var optimum: (multipliers: [Double], bound: Double)? {
        for support in subsets(of: means.count) {
            var rows = support.map { i in support.map { 2 * inner(means[i], means[$0]) } + [1] }
            rows.append(support.map { _ in 1 } + [0])
            guard let solution = solve(rows, support.map { inner(means[$0], means[$0]) } + [1]) else {
                continue
            }
            var multipliers = means.map { _ in 0.0 }
            for (index, i) in support.enumerated() { multipliers[i] = solution[index] }
            let divergences = divergences(multipliers)
            let bound = divergences[support[0]]
            if multipliers.allSatisfy({ $0 >= 0 }), divergences.allSatisfy({ $0 <= bound * (1 + 1e-9) }) {
                return (multipliers, bound)
            }
        }
        return nil
    }
}

/// Alignment of N(0, I) with rewards wᵢᵀx: p_λ = N(Wᵀλ, I), v = b − WWᵀλ.
struct LinearAlignment {
    let weights: [[Double]]
    let thresholds: [Double]

    var gram: [[Double]] { weights.map { row in weights.map { inner(row, $0) } } }

    func violations(_ multipliers: [Double]) -> [Double] {
        zip(thresholds, gram).map { $0 - inner($1, multipliers) }
    }

    /// argmax λᵀb − ½λᵀWWᵀλ over λ ≥ 0 by trying every active set.
    var optimum: [Double]? {
        let none = thresholds.map { _ in 0.0 }
        if thresholds.allSatisfy({ $0 <= 0 }) { return none }
        let gram = gram
        for active in subsets(of: thresholds.count) {
            let block = active.map { i in active.map { gram[i][$0] } }
            let scale = block[0][0]
            guard
                let solution = solve(
                    block.map { $0.map { $0 / scale } }, active.map { thresholds[$0] / scale })
            else { continue }
            var multipliers = none
            for (index, i) in active.enumerated() { multipliers[i] = solution[index] }
            let size = thresholds.reduce(0) { max($0, abs($1)) }
            if multipliers.allSatisfy({ $0 >= 0 }),
                violations(multipliers).allSatisfy({ $0 <= 1e-9 * size })
            {
                return multipliers
            }
        }
        return nil
    }
}

/// Names for constraints with the given thresholds.
func constraints(thresholds: [Double]) -> [Constraint] {
    thresholds.enumerated().map { Constraint(name: "c\($0.offset)", threshold: $0.element) }
}

/// Constraints of a composition, with a violation scale where the violations need one.
func constraints(count: Int, scale: Double? = nil) -> [Constraint] {
    (0..<count).map { Constraint(name: "model\($0)", scale: scale) }
}

/// Runs a problem with a rule until it ends by itself.
func outcome(
    of problem: AnalyticProblem, _ constraints: [Constraint], rule: any DualRule, limit: Int = 200,
    tolerance: Double = 2e-3
) throws -> PrimalDualResult {
    var options = PrimalDualLoop<AnalyticProblem>.Options()
    options.iterationLimit = limit
    options.tolerance = tolerance
    var loop = try PrimalDualLoop(
        problem: problem, constraints: constraints, rule: rule, options: options)
    return try loop.run()
}
