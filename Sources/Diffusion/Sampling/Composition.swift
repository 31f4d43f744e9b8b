import Foundation
import TensorCore

/// Σ_i λ_i ε_i: the surrogate score of the product Π q_i^{λ_i} [88].
///
/// It is the noised product's score at t = 0 only; annealed MCMC (`annealedSample`) makes up for the rest.
public func composedNoise(_ noises: [Tensor], weights: [Double]) -> Tensor {
    precondition(
        noises.count == weights.count && !noises.isEmpty,
        "composedNoise: \(noises.count) predictions for \(weights.count) weights")
    let terms = zip(noises, weights).map { $0 * $1 }
    return terms.dropFirst().reduce(terms[0], +)
}

/// Classifier-free guidance: ε_∅ + g (ε_c − ε_∅) (Ho & Salimans 2022, in diffusers' convention).
public func guidedNoise(unconditional: Tensor, conditional: Tensor, guidance: Double) -> Tensor {
    conceptNoise(unconditional: unconditional, concepts: [conditional], weights: [1], guidance: guidance)
}

/// Composition of concepts: ε_∅ + g Σ_i λ_i (ε_i − ε_∅).
///
/// Liu et al. 2022, eq. 11.
public func conceptNoise(
    unconditional: Tensor, concepts: [Tensor], weights: [Double], guidance: Double
) -> Tensor {
    // Written over the predictions themselves: (1 − g Σλ) ε_∅ + g Σ λ_i ε_i.
    composedNoise(
        [unconditional] + concepts,
        weights: [1 - guidance * weights.reduce(0, +)] + weights.map { guidance * $0 })
}

/// The score of a mixture Σ w_i q_i: Σ_i r_i(x) ε_i with responsibilities r_i ∝ w_i q_{i,t}(x).
///
/// - Parameter logDensities: log q_{i,t}(x) of the *noised* components, up to a constant common to all i.
/// - Shapes: noises `[N, …]`, logDensities `[N]`, result `[N, …]`.
public func mixtureNoise(_ noises: [Tensor], logDensities: [Tensor], weights: [Double]) -> Tensor {
    precondition(
        noises.count == weights.count && logDensities.count == weights.count && weights.contains { $0 > 0 },
        "mixtureNoise: \(noises.count) predictions, \(logDensities.count) log densities, weights \(weights)")
    // A weight of zero is left out, for its logarithm is −∞. Column by column, because a softmax over few
    // columns does not vectorise; shifting by the largest keeps it from overflowing.
    let present = weights.indices.filter { weights[$0] > 0 }
    let logits = present.map { logDensities[$0] + log(weights[$0]) }
    let largest = logits.dropFirst().reduce(logits[0].detached) { $0.combined(.maximum, $1) }
    let shares = logits.map { ($0 - largest).exp() }
    let total = shares.dropFirst().reduce(shares[0], +)
    let terms = zip(present, shares).map { model, share in
        let noise = noises[model]
        let trailing = Array(repeating: 1, count: noise.shape.rank - 1)
        return noise * (share / total).reshaped([noise.shape[0]] + trailing)
    }
    return terms.dropFirst().reduce(terms[0], +)
}
