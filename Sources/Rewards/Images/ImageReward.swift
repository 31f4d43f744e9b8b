import TensorCore

/// A differentiable score of pictures, given what they were to show: the larger, the better.
public protocol ImageReward: Sendable {
    /// The name users give it and every table shows.
    var name: String { get }

    /// One value per picture, recorded if the images are tracked.
    ///
    /// - Parameter prompts: one per picture.
    /// - Shapes: images `[N, H, W, 3]`, f32, RGB in 0...1; result `[N]`.
    /// - Throws: `ImageRewardError` where the images cannot be scored.
    func callAsFunction(_ images: Tensor, prompts: [String]) throws -> Tensor
}
