import TensorCore

/// Training indices t in 0..<T at which a batch is evaluated. (A `step` is an index of the sampler instead.)
public enum Timesteps: Sendable, Equatable {
    /// One timestep for the whole batch.
    case all(Int)
    /// One timestep per sample of the leading axis.
    case each([Int32])
}

/// ε(x, t): the noise a model sees in x.
///
/// - Shapes: x and the result `[N, d]` or `[N, h, w, c]`.
public typealias NoisePredictor = (_ x: Tensor, _ timesteps: Timesteps) throws -> Tensor

extension Timesteps {
    /// table(t) · x, with each sample's own t.
    func scale(_ x: Tensor, by table: (Int) -> Double) -> Tensor {
        switch self {
        case .all(let timestep): x * table(timestep)
        case .each(let timesteps): x * x.perSample(timesteps.map { table(Int($0)) })
        }
    }
}

extension Tensor {
    /// One number per sample, shaped to broadcast over the trailing axes of self.
    func perSample(_ values: [Double]) -> Tensor {
        precondition(
            shape.rank > 0 && values.count == shape[0],
            "per-sample factors: \(values.count) values for a batch of shape \(shape)")
        let column = Shape([values.count] + Array(repeating: 1, count: shape.rank - 1))
        return Tensor(values, shape: column, on: device).cast(to: dtype)
    }

    /// ‖x_n‖² of each sample.
    ///
    /// - Shapes: self `[N, …]`, result `[N]`.
    public func squaredNorms() -> Tensor { squared().rowSums() }

    /// The sum over all elements of each sample.
    func rowSums() -> Tensor { reshaped(shape[0], elementCount / max(shape[0], 1)).sum(axis: 1) }
}
