import Diffusion
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
        try self.init(
            name: configuration.name, source: SampleSource(configuration.source, dimension: dimension))
    }

    private init(name: String, source: SampleSource) throws {
        self.name = name
        self.source = source
        guard let moments = source.moments() else { throw TrainingError.degenerateData(model: name) }
        reference = moments
    }

    /// The models in coordinates that suit the schedule, and those coordinates.
    static func standardized(
        _ models: [GivenModel], _ schedule: NoiseSchedule
    ) throws -> (models: [GivenModel], coordinates: Standardization) {
        let coordinates = try Standardization(
            of: models.map(\.source), names: models.map(\.name), schedule: schedule)
        let standardized = try models.map {
            try GivenModel(name: $0.name, source: coordinates.standardized($0.source))
        }
        return (standardized, coordinates)
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
