import Models
import TensorCore

/// Where samples x_0 of a distribution come from.
enum SampleSource: Sendable {
    /// Drawn afresh, as many as asked for.
    case mixture(GaussianMixture)
    /// Rows of a data set `[N, d]`, drawn with replacement.
    case rows(Tensor)

    var dimension: Int {
        switch self {
        case .mixture(let mixture): mixture.dimension
        case .rows(let rows): rows.shape[1]
        }
    }

    /// Samples with the given global indices, `[range.count, d]`.
    func samples(_ range: Range<Int>, key: RandomKey) -> Tensor {
        switch self {
        case .mixture(let mixture): mixture.samples(range, key: key)
        case .rows(let rows): rows.rows(key.integers(range, below: rows.shape[0]))
        }
    }

    /// The Gaussian with the source's mean and covariance.
    ///
    /// A data set's covariance is bounded below: pixels that never change would give it no inverse.
    func moments() -> Gaussian? {
        switch self {
        case .mixture(let mixture): mixture.moments
        case .rows(let rows): Moments(rows).gaussian()
        }
    }
}

extension Tensor {
    /// The rows with the given indices.
    func rows(_ indices: [Int32]) -> Tensor { embedding(self, Tensor(indices: indices, on: device)) }
}

/// Σ x and Σ x xᵀ of samples, in double.
struct Moments {
    private(set) var count = 0
    private var sum: [Double]
    private var products: [Double]

    /// Sums over all rows of `samples` `[N, d]`.
    init(_ samples: Tensor) {
        let (n, d) = (samples.shape[0], samples.shape[1])
        let wide = samples.cast(to: .float64)
        count = n
        sum = wide.sum(axis: 0).doubles
        products = matmul(wide, wide, transposeA: true).doubles
        precondition(sum.count == d, "Moments: \(samples.shape)")
    }

    /// N(mean, covariance), with eigenvalues raised to at least `floor` times the largest.
    func gaussian(floor: Double = 1e-3) -> Gaussian? {
        let (d, n) = (sum.count, Double(count))
        let mean = sum.map { $0 / n }
        var covariance = products.map { $0 / n }
        for i in 0..<d {
            for j in 0..<d { covariance[i * d + j] -= mean[i] * mean[j] }
        }
        guard let matrix = SymmetricMatrix(covariance, dimension: d),
            let largest = matrix.eigenvalues.max(), largest > 0
        else { return nil }
        return Gaussian(mean: mean, covariance: matrix.applying { max($0, floor * largest) })
    }
}
