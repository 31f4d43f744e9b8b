import Diffusion
import Foundation
import TensorCore
import TestSupport

/// N(m, S) with everything about it in closed form: the reference of these tests.
struct Gaussian {
    let mean: [Double]
    let covariance: Matrix

    init(mean: [Double], covariance: Matrix) {
        self.mean = mean
        self.covariance = covariance
    }

    init(mean: [Double], variance: Double) {
        self.init(mean: mean, covariance: .diagonal(Array(repeating: variance, count: mean.count)))
    }

    var dimension: Int { mean.count }

    /// The distribution of √ᾱ x_0 + √(1−ᾱ) ε.
    func noised(_ alphaCumprod: Double) -> Gaussian {
        Gaussian(
            mean: mean.map { alphaCumprod.squareRoot() * $0 },
            covariance: covariance.scaled(alphaCumprod).adding(identity: 1 - alphaCumprod))
    }

    /// The exact ε(x, t) = √(1−ᾱ) (ᾱS + (1−ᾱ)I)^−1 (x − √ᾱ m), in x's element type.
    func predictor(_ schedule: NoiseSchedule) -> NoisePredictor {
        { x, timesteps in
            switch timesteps {
            case .all(let timestep):
                let (weight, bias) = affineNoise(schedule.alphaCumprod(at: timestep))
                let weights = Tensor(weight.elements, shape: [dimension, dimension]).cast(to: x.dtype)
                return linear(x, weights, Tensor(bias, shape: [dimension]).cast(to: x.dtype))
            case .each(let timesteps):
                let rows = timesteps.map { affineNoise(schedule.alphaCumprod(at: Int($0))) }
                let weights = Tensor(
                    rows.flatMap(\.weight.elements), shape: [rows.count, dimension, dimension]
                ).cast(to: x.dtype)
                let bias = Tensor(rows.flatMap(\.bias), shape: [rows.count, dimension]).cast(to: x.dtype)
                let column = x.reshaped(rows.count, dimension, 1)
                return matmul(weights, column).reshaped(rows.count, dimension) + bias
            }
        }
    }

    private func affineNoise(_ alphaCumprod: Double) -> (weight: Matrix, bias: [Double]) {
        let level = noised(alphaCumprod)
        let weight = level.covariance.inverse.scaled((1 - alphaCumprod).squareRoot())
        return (weight, weight.times(level.mean).map { -$0 })
    }

    /// log N(x; m, S) of each row.
    func logDensity(_ x: Tensor) -> Tensor {
        let inverse = covariance.inverse
        let centred = x - Tensor(mean, shape: [dimension]).cast(to: x.dtype)
        let weights = Tensor(inverse.elements, shape: [dimension, dimension]).cast(to: x.dtype)
        let squares = (linear(centred, weights) * centred).sum(axis: 1)
        return squares * -0.5 - (Double(dimension) * log(2 * .pi) + covariance.logDeterminant) / 2
    }

    /// Samples `first ..< first + count`, float64.
    func samples(_ count: Int, seed: UInt64, first: Int = 0) -> Tensor {
        let z = Tensor.normal(
            [count, dimension], key: RandomKey(seed: seed, stream: 900), firstSample: first
        ).cast(to: .float64)
        let factor = Tensor(covariance.cholesky.elements, shape: [dimension, dimension])
        return linear(z, factor, Tensor(mean, shape: [dimension]))
    }

    /// Samples whose mean and covariance are exactly those of the distribution, which takes most of the sampling
    /// error out of averages of quadratic functions.
    func matchedSamples(_ count: Int, seed: UInt64) -> Tensor {
        let raw = samples(count, seed: seed)
        let found = moments(raw)
        let map = covariance.cholesky.times(found.covariance.cholesky.inverseOfTriangle)
        let centred = raw - Tensor(found.mean, shape: [dimension])
        return linear(
            centred, Tensor(map.elements, shape: [dimension, dimension]), Tensor(mean, shape: [dimension]))
    }

    var entropy: Double { (Double(dimension) * log(2 * .pi * M_E) + covariance.logDeterminant) / 2 }

    /// KL(self‖other).
    func divergence(from other: Gaussian) -> Double {
        let inverse = other.covariance.inverse
        let shift = zip(mean, other.mean).map { $0 - $1 }
        let trace = inverse.times(covariance).trace
        return
            (trace + zip(shift, inverse.times(shift)).map { $0 * $1 }.reduce(0, +) - Double(dimension)
            + other.covariance.logDeterminant - covariance.logDeterminant) / 2
    }

    /// The normalised Π q_i^{λ_i}.
    static func product(_ factors: [Gaussian], _ weights: [Double]) -> Gaussian {
        let dimension = factors[0].dimension
        var precision = Matrix.diagonal(Array(repeating: 0, count: dimension))
        var shift = Array(repeating: 0.0, count: dimension)
        for (factor, weight) in zip(factors, weights) {
            let inverse = factor.covariance.inverse.scaled(weight)
            precision = precision.adding(inverse)
            shift = zip(shift, inverse.times(factor.mean)).map { $0 + $1 }
        }
        let covariance = precision.inverse
        return Gaussian(mean: covariance.times(shift), covariance: covariance)
    }
}

/// Mean and covariance of samples `[N, d]`.
func moments(_ samples: Tensor) -> (mean: [Double], covariance: Matrix) {
    let (count, dimension) = (samples.shape[0], samples.shape[1])
    let values = samples.doubles
    var mean = Array(repeating: 0.0, count: dimension)
    for (i, value) in values.enumerated() { mean[i % dimension] += value / Double(count) }
    var covariance = Matrix.diagonal(Array(repeating: 0, count: dimension))
    for row in 0..<count {
        for i in 0..<dimension {
            for j in 0..<dimension {
                covariance[i, j] +=
                    (values[row * dimension + i] - mean[i]) * (values[row * dimension + j] - mean[j])
                    / Double(count)
            }
        }
    }
    return (mean, covariance)
}
