import Models
import TensorCore
import WeightFiles

/// A model a run starts from: its name and where its samples come from.
struct GivenModel: Sendable {
    let name: String
    let source: SampleSource
    /// The Gaussian with the source's moments.
    let reference: Gaussian

    /// - Throws: `TrainingError.badSamples`, `.degenerateData`, and what reading the file throws.
    init(_ configuration: ModelConfiguration, dimension: Int) throws {
        name = configuration.name
        source = try SampleSource(configuration.source, dimension: dimension)
        guard let moments = source.moments() else { throw TrainingError.degenerateData(model: name) }
        reference = moments
    }
}

extension SampleSource {
    init(_ source: ModelConfiguration.Source, dimension: Int) throws {
        switch source {
        case .gaussian(let gaussian):
            self = .mixture(GaussianMixture(try Gaussian(gaussian)))
        case .mixture(let components):
            self = .mixture(
                GaussianMixture(
                    weights: components.map(\.weight),
                    components: try components.map { try Gaussian($0.gaussian) }))
        case .samples(let path):
            self = .rows(try Self.read(path, dimension: dimension))
        }
    }

    /// The mixture, where samples are drawn from one.
    var mixture: GaussianMixture? {
        if case .mixture(let mixture) = self { mixture } else { nil }
    }

    private static func read(_ path: String, dimension: Int) throws -> Tensor {
        let rows = try SafetensorsFile(path: path).tensor("samples").cast(to: .float32)
        guard rows.shape.rank == 2, rows.shape[1] == dimension, rows.shape[0] > 1 else {
            throw TrainingError.badSamples(
                path: path,
                reason: "tensor `samples` has shape \(rows.shape), expected [N, \(dimension)] with N > 1")
        }
        guard rows.floats.allSatisfy(\.isFinite) else {
            throw TrainingError.badSamples(path: path, reason: "tensor `samples` holds NaN or infinity")
        }
        return rows
    }
}

extension Gaussian {
    init(_ configuration: GaussianConfiguration) throws {
        guard
            let gaussian = Gaussian(
                mean: configuration.mean, covariance: configuration.covariance.flatMap { $0 })
        else { throw TrainingError.notPositiveDefinite }
        self = gaussian
    }
}
