import Diffusion
import Foundation
import Layers
import Models
import TensorCore
import WeightFiles

/// A trained model on vectors, as a run leaves it behind: sampled with `samples`, stored as `model.safetensors`.
public struct VectorModel: Sendable {
    /// What predicts the noise.
    enum Score: Sendable {
        case mixture(GaussianMixture)
        case network(ScoreNetwork)
        /// A base with a stepwise correction, which belongs to exactly the sampler's steps.
        indirect case corrected(Score, StepwiseCorrection, SamplingConfiguration)
    }

    let score: Score
    let schedule: NoiseSchedule
    let dimension: Int
    /// The coordinates of `score` and `schedule`; samples come in the original ones.
    var coordinates: Standardization

    init(_ score: Score, schedule: NoiseSchedule, dimension: Int, coordinates: Standardization? = nil) {
        self.score = score
        self.schedule = schedule
        self.dimension = dimension
        self.coordinates = coordinates ?? .identity(dimension: dimension)
    }

    /// Samples with global indices `range`; the same seed and index give the same sample in any batch.
    public func samples(_ range: Range<Int>, seed: UInt64) throws -> Tensor {
        coordinates.original(try standardizedSamples(range, seed: seed))
    }

    /// Samples in the coordinates of the score.
    ///
    /// - Parameter isMirrored: see `SampleNoise`; exact samples of mixtures are never mirrored.
    func standardizedSamples(_ range: Range<Int>, seed: UInt64, isMirrored: Bool = false) throws -> Tensor {
        let latents = RandomPurpose.initialLatents.key(seed: seed)
        return try withoutRecording {
            switch score {
            case .mixture(let mixture):
                return mixture.samples(range, key: latents)
            case .network:
                return try predictor.flowSamples(
                    range, schedule: schedule, dimension: dimension, key: latents, isMirrored: isMirrored)
            case .corrected(_, let correction, let sampling):
                let base = predictor
                let chain = AlignmentChain(
                    base: { base($0, $1) },
                    steps: ddimSteps(schedule, count: sampling.steps, eta: sampling.eta),
                    dimension: dimension)
                let noise = RandomPurpose.samplerNoise.key(seed: seed)
                return try chain.independent(range, latents: latents, noise: noise, correction)
            }
        }
    }

    /// ε of the model, or of its base.
    private var predictor: ScoreModel {
        func predictor(_ score: Score) -> ScoreModel {
            switch score {
            case .mixture(let mixture): .exact(mixture, alphasCumprod: schedule.alphasCumprod)
            case .network(let network): .network(network.evaluator())
            case .corrected(let base, _, _): predictor(base)
            }
        }
        return predictor(score)
    }
}

// MARK: The file

extension VectorModel {
    /// What the file's metadata says beside the tensors.
    private struct Description: Codable {
        var format = 1
        var dimension: Int
        var betas: [Double]
        /// c and s of the coordinates.
        var center: [Double]
        var scale: Double
        /// Of a corrected model's sampler.
        var samplingSteps = 1
        var eta = 0.0
        /// `mixture` or `network`.
        var score: String
        var isCorrected = false
        /// Whether the correction depends on the state.
        var hasSlopes = false
        var hidden = 0
        var blocks = 0
        var widening = 0
        var embedding = 0
        /// Components of each exact mixture.
        var components = 0

        /// Whether a model can be built from these numbers, which a damaged file may have changed.
        var isPlausible: Bool {
            let sizes =
                [dimension] + (score == "network" ? [hidden, blocks, widening, embedding] : [components])
            return sizes.allSatisfy { (1...65_536).contains($0) } && (0...1).contains(eta)
                && (1...max(1, betas.count)).contains(samplingSteps) && center.count == dimension
                && scale > 0 && (center + [scale]).allSatisfy(\.isFinite)
        }

        enum CodingKeys: String, CodingKey {
            case format, dimension, betas, center, scale, eta, score
            case hidden, blocks, widening, embedding, components
            case samplingSteps = "sampling_steps"
            case isCorrected = "is_corrected"
            case hasSlopes = "has_slopes"
        }
    }

    private static let metadataKey = "saddle_vector_model"

    /// Writes the model as one safetensors file.
    public func write(to path: String) throws {
        var tensors: [String: Tensor] = [:]
        var description = Description(
            dimension: dimension, betas: schedule.betas, center: coordinates.center, scale: coordinates.scale,
            score: "")
        store(score, in: &tensors, &description)
        let json = String(decoding: try description.sortedJSON(), as: UTF8.self)
        try SafetensorsFile.write(tensors, metadata: [Self.metadataKey: json, "format": "pt"], to: path)
    }

    private func store(_ score: Score, in tensors: inout [String: Tensor], _ description: inout Description) {
        switch score {
        case .mixture(let mixture):
            description.score = "mixture"
            description.components = mixture.components.count
            tensors["mixture/weights"] = Tensor(mixture.weights, shape: [mixture.weights.count])
            for (index, part) in mixture.components.enumerated() {
                part.store(in: &tensors, at: "mixture/\(index)")
            }
        case .network(let network):
            let sizes = network.mlp.configuration
            description.score = "network"
            (description.hidden, description.blocks) = (sizes.hidden, sizes.blocks)
            (description.widening, description.embedding) = (sizes.widening, sizes.embedding)
            network.reference.store(in: &tensors, at: "reference")
            for named in network.namedParameters {
                tensors["network/\(named.name)"] = named.parameter.value.detached
            }
        case .corrected(let base, let correction, let sampling):
            store(base, in: &tensors, &description)
            (description.isCorrected, description.hasSlopes) = (true, correction.hasSlopes)
            (description.samplingSteps, description.eta) = (sampling.steps, sampling.eta)
            correction.reference.store(in: &tensors, at: "correction_reference")
            for named in correction.namedParameters {
                tensors["correction/\(named.name)"] = named.parameter.value.detached
            }
        }
    }

    /// Reads a file that `write` wrote.
    ///
    /// - Throws: `TrainingError.badSamples` and what reading safetensors throws.
    public init(contentsOf path: String) throws {
        let file = try SafetensorsFile(path: path)
        guard let json = file.metadata[Self.metadataKey],
            let description = try? JSONDecoder().decode(Description.self, from: Data(json.utf8)),
            description.format == 1
        else {
            throw TrainingError.badSamples(
                path: path,
                reason: "is no vector model of Saddle (metadata \(Self.metadataKey) is missing or newer)")
        }
        guard description.isPlausible else {
            throw TrainingError.badSamples(
                path: path, reason: "its metadata \(Self.metadataKey) describes no possible model")
        }
        schedule = try NoiseSchedule(betas: description.betas)
        dimension = description.dimension
        coordinates = .identity(dimension: dimension)
        (coordinates.center, coordinates.scale) = (description.center, description.scale)
        score = try Self.score(file, description, schedule)
    }

    private static func score(
        _ file: SafetensorsFile, _ description: Description, _ schedule: NoiseSchedule
    ) throws -> Score {
        let base: Score
        if description.score == "mixture" {
            let weights = try file.tensor("mixture/weights").doubles
            guard weights.count == description.components, weights.allSatisfy({ $0 > 0 && $0.isFinite })
            else {
                throw TrainingError.badSamples(
                    path: file.path,
                    reason: "mixture/weights are not \(description.components) positive numbers")
            }
            let components = try (0..<description.components).map {
                try Gaussian(file, at: "mixture/\($0)", dimension: description.dimension)
            }
            base = .mixture(GaussianMixture(weights: weights, components: components))
        } else {
            let sizes = ScoreMLPConfiguration(
                dimension: description.dimension, timesteps: schedule.trainSteps, hidden: description.hidden,
                blocks: description.blocks, widening: description.widening, embedding: description.embedding)
            let network = ScoreNetwork(
                sizes, alphasCumprod: schedule.alphasCumprod,
                reference: try Gaussian(file, at: "reference", dimension: description.dimension),
                key: RandomKey(seed: 0, stream: 0))
            try file.fill(network.namedParameters, at: "network")
            base = .network(network)
        }
        guard description.isCorrected else { return base }
        let sampling = SamplingConfiguration(steps: description.samplingSteps, eta: description.eta)
        let steps = ddimSteps(schedule, count: sampling.steps, eta: sampling.eta)
        let correction = StepwiseCorrection(
            alphasCumprod: steps.map(\.alphaCumprod),
            reference: try Gaussian(file, at: "correction_reference", dimension: description.dimension),
            hasSlopes: description.hasSlopes)
        try file.fill(correction.namedParameters, at: "correction")
        return .corrected(base, correction, sampling)
    }
}

extension Gaussian {
    fileprivate func store(in tensors: inout [String: Tensor], at path: String) {
        tensors["\(path)/mean"] = Tensor(mean, shape: [dimension])
        tensors["\(path)/covariance"] = Tensor(covariance.elements, shape: [dimension, dimension])
    }

    fileprivate init(_ file: SafetensorsFile, at path: String, dimension: Int) throws {
        let (mean, covariance) = (
            try file.tensor("\(path)/mean").doubles, try file.tensor("\(path)/covariance").doubles
        )
        guard mean.count == dimension, covariance.count == dimension * dimension else {
            throw TrainingError.badSamples(
                path: file.path, reason: "\(path) is not of dimension \(dimension)")
        }
        guard let gaussian = Gaussian(mean: mean, covariance: covariance) else {
            throw TrainingError.badSamples(
                path: file.path, reason: "\(path)/covariance is not positive definite")
        }
        self = gaussian
    }
}

extension SafetensorsFile {
    fileprivate func fill(_ parameters: [NamedParameter], at path: String) throws {
        for named in parameters {
            let tensor = try tensor("\(path)/\(named.name)")
            guard tensor.shape == named.parameter.shape else {
                throw TrainingError.badSamples(
                    path: self.path,
                    reason:
                        "\(path)/\(named.name) has shape \(tensor.shape), expected \(named.parameter.shape)")
            }
            named.parameter.assign(tensor)
        }
    }
}
