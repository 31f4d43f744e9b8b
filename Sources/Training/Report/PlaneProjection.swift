import TensorCore

/// How samples of any dimension are laid into the plane.
struct PlaneProjection: Sendable {
    /// What the axes are, in words.
    let name: String
    private let origin: [Double]
    /// Two rows of `origin.count`.
    private let axes: [[Double]]

    /// Beyond this the eigenproblem takes longer than a report may.
    private static let largestDimension = 512

    /// The two coordinates themselves in the plane; else the first two principal components of all samples
    /// together, or the first two coordinates where there are too many.
    init(_ sets: [SampleSet]) {
        let dimension = sets.first?.dimension ?? 2
        if dimension > 2, dimension <= Self.largestDimension, let components = Self.principal(sets) {
            (origin, axes) = components
            name = "the first two principal components of all samples together"
        } else {
            origin = Array(repeating: 0, count: dimension)
            axes = (0..<2).map { axis in (0..<dimension).map { $0 == axis ? 1 : 0 } }
            name = dimension == 2 ? "the plane" : "the first two of \(dimension) coordinates"
        }
    }

    func callAsFunction(_ set: SampleSet) -> [SIMD2<Double>] {
        (0..<set.count).map { row in
            let start = row * set.dimension
            var point = SIMD2<Double>.zero
            for (axis, weights) in axes.enumerated() {
                for (column, weight) in weights.enumerated() where weight != 0 {
                    point[axis] += weight * (Double(set.values[start + column]) - origin[column])
                }
            }
            return point
        }
    }

    /// - Returns: nil if the samples are not finite.
    private static func principal(_ sets: [SampleSet]) -> (origin: [Double], axes: [[Double]])? {
        let dimension = sets[0].dimension
        let values = sets.flatMap(\.values)
        let moments = Moments(Tensor(values, shape: [values.count / dimension, dimension]))
        var covariance = moments.products
        for i in 0..<dimension {
            for j in 0..<dimension { covariance[i * dimension + j] -= moments.mean[i] * moments.mean[j] }
        }
        guard let matrix = SymmetricMatrix(covariance, dimension: dimension) else { return nil }
        // Eigenvalues ascend.
        let axes = [dimension - 1, dimension - 2].map { k in
            Array(matrix.eigenvectors[k * dimension..<(k + 1) * dimension])
        }
        return (moments.mean, axes)
    }
}
