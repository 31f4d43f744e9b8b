import TensorCore

/// How the steps of a path-wise divergence are weighted.
public enum PathwiseWeights: String, Sendable, Codable, CaseIterable {
    /// c_t²/(2σ_t²) ‖ε_p − ε_q‖²: nats (Lemma 1).
    case exact
    /// The mean of (ε_p − ε_q)² over the elements of a sample; its sum over steps is no divergence in nats.
    case uniform

    /// Whether the steps have these weights.
    ///
    /// - Throws: `DiffusionError.exactWeightsUndefined` for exact weights where every step is deterministic, the
    ///   first has no signal left, or x̂_0 is clipped (then the step's mean is not linear in ε).
    public func check(steps: [DDIMStep], prediction: Prediction = .epsilon) throws {
        guard self == .exact else { return }
        if steps.allSatisfy(\.isDeterministic) {
            throw DiffusionError.exactWeightsUndefined(reason: "no step adds noise (eta is 0)")
        }
        if let empty = steps.first(where: { $0.alphaCumprod == 0 }) {
            throw DiffusionError.exactWeightsUndefined(
                reason: "the signal is zero at timestep \(empty.timestep)")
        }
        if let range = prediction.clipRange {
            throw DiffusionError.exactWeightsUndefined(reason: "the predicted sample is clipped to ±\(range)")
        }
    }
}

/// One step's term of KL(p_{0:T}‖q_{0:T}) for each sample x_t of p (Lemma 1), differentiable in both predictions.
///
/// A step with σ_t = 0 has term 0 under exact weights: there p must use q's prediction.
///
/// - Shapes: predictions at x_t `[N, …]`; result `[N]`. Its mean over samples, summed over steps, is the KL.
public func pathwiseTerms(_ p: Tensor, _ q: Tensor, step: DDIMStep, weights: PathwiseWeights) -> Tensor {
    switch weights {
    case .uniform:
        return (p - q).squaredNorms() * (Double(p.shape[0]) / Double(p.elementCount))
    case .exact:
        guard let weight = step.divergenceWeight else {
            return Tensor.zeros([p.shape[0]], dtype: p.dtype, on: p.device)
        }
        return (p - q).squaredNorms() * weight
    }
}
