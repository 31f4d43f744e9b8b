import TensorCore

/// Left–right symmetry of small images: r(x) = −mean (x − mirrored x)², 0 for a symmetric image.
public struct SymmetryReward: Reward {
    public let name: String
    /// I − P, P being the permutation that mirrors the columns; symmetric.
    private let asymmetry: Tensor

    /// - Parameters: extents of the image whose rows make up a sample.
    public init(name: String, width: Int, height: Int) {
        self.name = name
        let d = width * height
        var matrix = [Float](repeating: 0, count: d * d)
        for row in 0..<height {
            for column in 0..<width {
                let pixel = row * width + column
                matrix[pixel * d + pixel] += 1
                matrix[pixel * d + row * width + (width - 1 - column)] -= 1
            }
        }
        asymmetry = Tensor(matrix, shape: [d, d])
    }

    public func callAsFunction(_ samples: Tensor) -> Tensor {
        -matmul(samples, asymmetry).squared().mean(axis: 1)
    }
}
