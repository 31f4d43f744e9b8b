import Foundation
import TensorCore

/// Σ_k w_k N(m_k, S_k): a model whose scores, density and samples are exact.
public struct GaussianMixture: Sendable {
    public let weights: [Double]
    public let components: [Gaussian]
    private let denoisers: [GaussianDenoiser]

    public init(weights: [Double], components: [Gaussian]) {
        precondition(
            weights.count == components.count && !components.isEmpty,
            "GaussianMixture: \(weights.count) weights for \(components.count) components")
        let total = weights.reduce(0, +)
        self.weights = weights.map { $0 / total }
        self.components = components
        self.denoisers = components.map(GaussianDenoiser.init)
    }

    public init(_ gaussian: Gaussian) { self.init(weights: [1], components: [gaussian]) }

    public var dimension: Int { components[0].dimension }

    /// The one component, if there is only one.
    public var gaussian: Gaussian? { components.count == 1 ? components[0] : nil }

    /// ε(x, t) = Σ_k P(k | x, t) ε_k(x, t): the responsibilities weigh the components' predictions.
    public func noisePrediction(_ x: Tensor, _ levels: NoiseLevels) -> Tensor {
        let predictions = denoisers.map { $0.noisePrediction(x, levels) }
        guard predictions.count > 1 else { return predictions[0] }
        let posterior = logTerms(x, levels).softmax()
        return predictions.indices.reduce(Tensor.zeros(like: x)) { sum, k in
            sum + posterior.slice(k..<(k + 1), axis: 1) * predictions[k]
        }
    }

    /// log q_t(x), `[N, 1]`, for density plots, responsibilities and Metropolis ratios.
    public func logDensity(_ x: Tensor, _ levels: NoiseLevels) -> Tensor {
        let terms = logTerms(x, levels)
        let largest = terms.maximum(axis: 1).reshaped(-1, 1)
        let sum = (terms - largest).exp().sum(axis: 1, keepingAxis: true)
        return sum.log() + largest - 0.5 * Double(dimension) * log(2 * Double.pi)
    }

    /// log w_k + log N_k(x) up to a constant, `[N, K]`.
    private func logTerms(_ x: Tensor, _ levels: NoiseLevels) -> Tensor {
        .concatenated(zip(denoisers, weights).map { $0.logDensity(x, levels) + log($1) }, axis: 1)
    }

    /// Samples with consecutive global indices; sample s is the same in any batch.
    public func samples(_ range: Range<Int>, key: RandomKey) -> Tensor {
        guard components.count > 1 else { return components[0].samples(range, key: key) }
        let draws = components.map { $0.samples(range, key: key) }
        // The choice of component uses the block after the normals of the sample.
        let firstFree = (dimension + 3) / 4
        let choice = Tensor.uniform(
            [range.count], key: key, firstSample: range.lowerBound, block: firstFree
        ).floats.map { component(at: Double($0)) }
        return draws.indices.reduce(Tensor.zeros(like: draws[0])) { sum, k in
            let mask = Tensor(choice.map { $0 == k ? Float(1) : 0 }, shape: [range.count, 1])
            return sum + mask * draws[k]
        }
    }

    private func component(at quantile: Double) -> Int {
        var cumulative = 0.0
        for (k, weight) in weights.enumerated() {
            cumulative += weight
            if quantile < cumulative { return k }
        }
        return weights.count - 1
    }

    /// Mean and covariance of the whole mixture.
    public var moments: Gaussian? {
        let d = dimension
        var mean = [Double](repeating: 0, count: d)
        for (weight, part) in zip(weights, components) {
            for i in 0..<d { mean[i] += weight * part.mean[i] }
        }
        var covariance = [Double](repeating: 0, count: d * d)
        for (weight, part) in zip(weights, components) {
            let own = part.covariance.elements
            for i in 0..<d {
                for j in 0..<d {
                    let spread = (part.mean[i] - mean[i]) * (part.mean[j] - mean[j])
                    covariance[i * d + j] += weight * (own[i * d + j] + spread)
                }
            }
        }
        return Gaussian(mean: mean, covariance: covariance)
    }
}
