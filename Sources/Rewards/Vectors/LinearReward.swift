import TensorCore

/// r(x) = wᵀx.
public struct LinearReward: Reward {
    public let name: String
    /// w as a column, `[d, 1]`.
    private let weights: Tensor

    public init(name: String, weights: [Double]) {
        self.name = name
        self.weights = Tensor(weights.map(Float.init), shape: [weights.count, 1])
    }

    /// Mean of the coordinates.
    public init(name: String, meanOver dimension: Int) {
        self.init(name: name, weights: Array(repeating: 1 / Double(dimension), count: dimension))
    }

    public func callAsFunction(_ samples: Tensor) -> Tensor { matmul(samples, weights).reshaped(-1) }
}
