import TensorCore

/// A differentiable score of samples: the larger, the better.
public protocol Reward: Sendable {
    /// The name users give it and every table shows.
    var name: String { get }

    /// One value per sample, recorded if the samples are tracked.
    ///
    /// - Shapes: samples `[N, …]`, result `[N]`.
    func callAsFunction(_ samples: Tensor) -> Tensor
}
