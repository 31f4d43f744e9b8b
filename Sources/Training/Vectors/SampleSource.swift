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

/// First and second moments of samples, in double.
struct Moments: Sendable, Equatable {
    private(set) var mean: [Double]
    /// E x xᵀ, row-major.
    private(set) var products: [Double]

    init(mean: [Double], products: [Double]) {
        self.mean = mean
        self.products = products
    }

    /// Means over all rows of `samples` `[N, d]`.
    init(_ samples: Tensor) {
        let wide = samples.cast(to: .float64)
        mean = wide.mean(axis: 0).doubles
        products = (matmul(wide, wide, transposeA: true) / Double(samples.shape[0])).doubles
    }

    /// Moves a share of the way to other moments.
    mutating func move(towards other: Moments, share: Double) {
        mean = zip(mean, other.mean).map { $0 + share * ($1 - $0) }
        products = zip(products, other.products).map { $0 + share * ($1 - $0) }
    }

    /// N(mean, covariance), with eigenvalues raised to at least `floor` times the largest.
    ///
    /// - Returns: nil if the samples are all equal or not finite.
    func gaussian(floor: Double = 1e-3) -> Gaussian? {
        let d = mean.count
        var covariance = products
        for i in 0..<d {
            for j in 0..<d { covariance[i * d + j] -= mean[i] * mean[j] }
        }
        guard let matrix = SymmetricMatrix(covariance, dimension: d),
            let largest = matrix.eigenvalues.max(), largest > 0
        else { return nil }
        return Gaussian(mean: mean, covariance: matrix.applying { max($0, floor * largest) })
    }
}
