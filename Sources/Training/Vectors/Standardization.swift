import Diffusion
import Foundation
import Models
import TensorCore

/// Coordinates in which the noise levels of the schedule suit the data: x̃ = (x − c)/s.
///
/// Divergences do not change; a density's entropy falls by d log s.
struct Standardization: Sendable, Equatable {
    /// c.
    var center: [Double]
    /// s.
    var scale: Double

    /// Coordinates as they are.
    static func identity(dimension: Int) -> Standardization {
        Standardization(center: Array(repeating: 0, count: dimension), scale: 1)
    }

    /// Centres all sources together and gives their widest direction the variance 1.
    ///
    /// If that makes a mixture component so narrow that the smallest noise γ_1 does not resolve it, it gets the
    /// smallest standard deviation that is, 4 γ_1: Lemma 2 needs γ_1 well below the spread of the data.
    ///
    /// - Throws: `TrainingError.degenerateData` if all samples are equal.
    init(of sources: [SampleSource], names: [String], schedule: NoiseSchedule) throws {
        var pooled: Moments?
        var narrowest = Double.infinity
        for (index, source) in sources.enumerated() {
            guard let moments = source.moments() else {
                throw TrainingError.degenerateData(model: names[index])
            }
            var mean = pooled ?? Moments(moments)
            mean.move(towards: Moments(moments), share: 1 / Double(index + 1))
            pooled = mean
            narrowest = min(narrowest, source.narrowestDeviation)
        }
        guard let all = pooled?.gaussian(), let widest = all.covariance.eigenvalues.max() else {
            throw TrainingError.degenerateData(model: names.joined(separator: ", "))
        }
        center = all.mean
        scale = min(widest.squareRoot(), narrowest / (4 * schedule.noiseToSignal(at: 0)))
    }

    private init(center: [Double], scale: Double) {
        self.center = center
        self.scale = scale
    }

    func standardized(_ source: SampleSource) -> SampleSource {
        switch source {
        case .mixture(let mixture):
            .mixture(
                GaussianMixture(weights: mixture.weights, components: mixture.components.map(standardized)))
        case .rows(let rows):
            .rows((rows - row) / scale)
        }
    }

    /// x of x̃, `[N, d]`.
    func original(_ samples: Tensor) -> Tensor { samples * scale + row }

    /// What the entropy of a density in the original coordinates has more than in these: d log s, in nats.
    var entropyShift: Double { Double(center.count) * log(scale) }

    private func standardized(_ gaussian: Gaussian) -> Gaussian {
        Gaussian(
            mean: zip(gaussian.mean, center).map { ($0 - $1) / scale },
            covariance: gaussian.covariance.applying { $0 / (scale * scale) })
    }

    private var row: Tensor { Tensor(center.map(Float.init), shape: [1, center.count]) }
}

extension SampleSource {
    /// Smallest standard deviation of a mixture's components; data sets have no scale below which they are smooth.
    fileprivate var narrowestDeviation: Double {
        let variances = mixture?.components.compactMap { $0.covariance.eigenvalues.min() } ?? []
        return (variances.min() ?? .infinity).squareRoot()
    }
}
