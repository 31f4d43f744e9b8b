import Foundation
import TestSupport

/// The noise schedule and the sampler's steps, computed from their definitions.
struct ReverseChain: Sendable {
    var trainSteps = 200
    var betaStart = 0.0005
    var betaEnd = 0.1
    var steps = 200
    var eta = 1.0

    /// YAML that says the same.
    var yaml: [String] {
        [
            "schedule: {train_steps: \(trainSteps), beta_start: \(betaStart), beta_end: \(betaEnd)}",
            "sampling: {steps: \(steps), eta: \(eta)}",
        ]
    }

    /// ᾱ at each step of the sampler and after it, and σ: from the most noise down to none.
    var levels: [(alpha: Double, next: Double, sigma: Double)] {
        var product = 1.0
        let alphas = (0..<trainSteps).map { t in
            let share = Double(t) / Double(trainSteps - 1)
            product *= 1 - (betaStart + share * (betaEnd - betaStart))
            return product
        }
        let last = Double(trainSteps - 1)
        let visited = (0..<steps).map {
            alphas[Int((last - (Double($0) * last / Double(steps - 1)).rounded()))]
        }
        return visited.indices.map { k in
            let (alpha, next) = (visited[k], k + 1 < steps ? visited[k + 1] : 1)
            let sigma = eta * ((1 - next) / (1 - alpha) * (1 - alpha / next)).squareRoot()
            return (alpha, next, sigma)
        }
    }

    /// What the chain with exact ε does to one coordinate that the base has as N(mean, variance).
    ///
    /// ε = √(1−ᾱ) (x − √ᾱ m)/(ᾱ s² + 1 − ᾱ) makes a step x ← a x + b m + σ z. Shifting the mean of a step by δ costs
    /// δ²/2σ² and moves E x_0 by A δ, A the product of the a that follow; per unit of multiplier, V = Σ σ² A².
    func coordinate(mean: Double, variance: Double) -> (mean: Double, variance: Double, gain: Double) {
        var (chainMean, chainVariance, gain) = (0.0, 1.0, 0.0)
        for (alpha, next, sigma) in levels {
            let slope = (1 - alpha).squareRoot() / (alpha * variance + 1 - alpha)
            let c = (1 - next - sigma * sigma).squareRoot() - (next * (1 - alpha) / alpha).squareRoot()
            let a = (next / alpha).squareRoot() + c * slope
            chainMean = a * chainMean - c * slope * alpha.squareRoot() * mean
            chainVariance = a * a * chainVariance + sigma * sigma
            gain = a * a * gain + sigma * sigma
        }
        return (chainMean, chainVariance, gain)
    }
}

/// Alignment of a chain that samples N(m, diag(s²)) under E wᵢᵀx ≥ bᵢ: E x_0 = m + V Wᵀλ with V diagonal, so
/// λ = argmax_{λ≥0} λᵀ(b − W m) − ½ λᵀ W V Wᵀ λ and KL = ½ λᵀ W V Wᵀ λ.
struct AlignmentOptimum {
    let multipliers: [Double]
    let rewards: [Double]
    let divergence: Double

    init(
        chain: ReverseChain, mean: [Double], variances: [Double], rewards W: [[Double]], thresholds: [Double]
    ) {
        let base = zip(mean, variances).map { chain.coordinate(mean: $0, variance: $1) }
        let gram = Matrix(
            W.map { u in W.map { v in zip(zip(u, v), base).reduce(0) { $0 + $1.0.0 * $1.0.1 * $1.1.gain } } })
        let start = W.map { w in zip(w, base).reduce(0) { $0 + $1.0 * $1.1.mean } }
        let missing = zip(thresholds, start).map { $0 - $1 }
        var solution = thresholds.map { _ in 0.0 }
        // Coordinate ascent: exact in each multiplier, and the dual is concave.
        for _ in 0..<20_000 {
            for i in solution.indices {
                let pull = zip(gram.times(solution), missing).map { $1 - $0 }[i]
                solution[i] = max(0, solution[i] + pull / gram[i, i])
            }
        }
        let gained = gram.times(solution)
        multipliers = solution
        self.rewards = zip(start, gained).map { $0 + $1 }
        divergence = zip(solution, gained).reduce(0) { $0 + $1.0 * $1.1 } / 2
    }
}

/// Alignment of a chain that samples N(m, I) in two dimensions under E −(x₁ − x₂)² ≥ b.
///
/// Only y = (x₁ − x₂)/√2 matters, and −(x₁ − x₂)² = −2y². Minimising Σ ½u² + 2λ y_0² over y ← a y + c + σ(u + z) is
/// linear–quadratic control: the cost to go is ½p y² + q y, from p = 4λ back by p ← a²p/(1 + σ²p), and
/// u = −σ (p (a y + c) + q)/(1 + σ²p).
struct SymmetryOptimum {
    private(set) var multiplier = 0.0
    private(set) var divergence = 0.0

    /// - Parameter difference: m₁ − m₂.
    init(chain: ReverseChain, difference: Double, threshold: Double) {
        var (low, high) = (0.0, 1e4)
        for _ in 0..<100 {
            multiplier = (low + high) / 2
            let (square, divergence) = Self.controlled(chain, difference / 2.0.squareRoot(), multiplier)
            self.divergence = divergence
            if -2 * square < threshold { low = multiplier } else { high = multiplier }
        }
    }

    /// E y_0² and the divergence at λ.
    private static func controlled(
        _ chain: ReverseChain, _ mean: Double, _ multiplier: Double
    ) -> (square: Double, divergence: Double) {
        let steps = chain.levels.map { alpha, next, sigma in
            let slope = (1 - alpha).squareRoot()
            let c = (1 - next - sigma * sigma).squareRoot() - (next * (1 - alpha) / alpha).squareRoot()
            return (
                a: (next / alpha).squareRoot() + c * slope, c: -c * slope * alpha.squareRoot() * mean,
                sigma: sigma
            )
        }
        var costs: [(p: Double, q: Double)] = []
        var (p, q) = (4 * multiplier, 0.0)
        for step in steps.reversed() {
            costs.append((p, q))
            let share = 1 / (1 + step.sigma * step.sigma * p)
            (p, q) = (step.a * step.a * p * share, step.a * (p * step.c + q) * share)
        }
        var (center, variance, divergence) = (0.0, 1.0, 0.0)
        for (step, cost) in zip(steps, costs.reversed()) {
            let share = 1 / (1 + step.sigma * step.sigma * cost.p)
            let (gain, shift) = (
                -step.sigma * cost.p * step.a * share, -step.sigma * (cost.p * step.c + cost.q) * share
            )
            let u = gain * center + shift
            divergence += (u * u + gain * gain * variance) / 2
            let slope = step.a + step.sigma * gain
            center = slope * center + step.c + step.sigma * shift
            variance = slope * slope * variance + step.sigma * step.sigma
        }
        return (center * center + variance, divergence)
    }
}
