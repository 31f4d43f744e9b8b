import TensorCore

/// What a network's output stands for, by diffusers' names.
public enum PredictionType: String, Sendable, Codable, CaseIterable {
    /// The noise ε.
    case epsilon
    /// v = √ᾱ ε − √(1−ᾱ) x_0.  Salimans & Ho 2022.
    case velocity = "v_prediction"
    /// The clean sample x_0.
    case sample
}

/// How to read a network's output.
public struct Prediction: Sendable, Equatable {
    public var type: PredictionType
    /// The predicted x_0 is clamped to ± this; nil leaves it alone.
    public var clipRange: Double?

    public static let epsilon = Prediction(type: .epsilon)

    public init(type: PredictionType, clipRange: Double? = nil) {
        self.type = type
        self.clipRange = clipRange
    }
}

/// x_t taken apart: x_t = √ᾱ_t · sample + √(1−ᾱ_t) · noise (before clipping).
public struct Denoised {
    /// The predicted x_0, clipped if so configured.
    public let sample: Tensor
    /// The predicted ε; clipping leaves it as it was (diffusers' default).
    public let noise: Tensor
}

extension NoiseSchedule {
    /// Both halves of x_t from a network's output of any kind.
    ///
    /// - Throws: `DiffusionError.noSignal` where ᾱ_t = 0 and the network predicts ε.
    public func denoised(
        _ output: Tensor, from x: Tensor, at timesteps: Timesteps, as prediction: Prediction
    ) throws -> Denoised {
        let sample: Tensor
        switch prediction.type {
        case .epsilon:
            try checkSignal(at: timesteps)
            let inverse = { 1 / signalScale(at: $0) }
            sample = timesteps.scale(x, by: inverse) - timesteps.scale(output, by: noiseToSignal)
        case .velocity:
            sample = timesteps.scale(x, by: signalScale) - timesteps.scale(output, by: noiseScale)
        case .sample: sample = output
        }
        return Denoised(
            sample: prediction.clipRange.map { sample.clamped(-$0, $0) } ?? sample,
            noise: noise(output, from: x, at: timesteps, as: prediction.type))
    }

    /// ε from a network's output of any kind.
    public func noise(
        _ output: Tensor, from x: Tensor, at timesteps: Timesteps, as type: PredictionType
    ) -> Tensor {
        switch type {
        case .epsilon:
            return output
        case .velocity:
            return timesteps.scale(output, by: signalScale) + timesteps.scale(x, by: noiseScale)
        case .sample:
            let inverse = { 1 / noiseScale(at: $0) }
            let signalToNoise = { signalScale(at: $0) / noiseScale(at: $0) }
            return timesteps.scale(x, by: inverse) - timesteps.scale(output, by: signalToNoise)
        }
    }

    /// The noise predictor made of a network that predicts something else.
    public func noisePredictor(
        _ network: @escaping NoisePredictor, predicting type: PredictionType
    ) -> NoisePredictor {
        { x, timesteps in noise(try network(x, timesteps), from: x, at: timesteps, as: type) }
    }

    private func checkSignal(at timesteps: Timesteps) throws {
        let asked: [Int] =
            switch timesteps {
            case .all(let timestep): [timestep]
            case .each(let timesteps): timesteps.map(Int.init)
            }
        if let empty = asked.first(where: { alphaCumprod(at: $0) == 0 }) {
            throw DiffusionError.noSignal(timestep: empty)
        }
    }
}
