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
        let visited = (0..<steps).map { alphas[Int((last - (Double($0) * last / Double(steps - 1)).rounded()))] }
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

    init(chain: ReverseChain, mean: [Double], variances: [Double], rewards W: [[Double]], thresholds: [Double]) {
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
