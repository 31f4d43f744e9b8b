import Foundation

/// Where in 0..<T the steps of a sampler lie.
///
/// Lin et al. 2024, Table 2.
public enum TimestepSpacing: String, Sendable, Codable, CaseIterable {
    case leading, trailing, linspace
}

/// diffusers' `scheduler_config.json`, as its DDIMScheduler reads it: same keys, same defaults.
///
/// Keys of other schedulers are ignored, as diffusers does, so the file of any Stable Diffusion model serves.
public struct SchedulerConfiguration: Sendable, Equatable {
    /// T.
    public var trainSteps = 1000
    public var betaStart = 0.0001
    public var betaEnd = 0.02
    public var betaSchedule = BetaSchedule.linear
    /// β_t given one by one, T of them; takes the place of the three above.
    public var trainedBetas: [Double]?
    public var predictionType = PredictionType.epsilon
    /// Clamp the predicted x_0 to ± `clipSampleRange`.
    public var clipSample = true
    public var clipSampleRange = 1.0
    /// The last step ends at ᾱ = 1, else at ᾱ_0.
    public var setAlphaToOne = true
    /// Added to every timestep of `leading` spacing.
    public var stepsOffset = 0
    public var timestepSpacing = TimestepSpacing.leading
    public var rescaleBetasZeroSNR = false
    /// diffusers' class that wrote the file, where it says so.
    public private(set) var className: String?
    /// Dynamic thresholding, which Saddle refuses: it is no function of ε alone.
    public var thresholding = false

    /// Far above what any model has: a wrong number does not fill memory.
    private static let mostTrainSteps = 1 << 20

    public init() {}

    /// - Throws: `DiffusionError.invalidSchedule` with all problems at once.
    public func validate() throws {
        var problems: [String] = []
        if !(1...Self.mostTrainSteps).contains(trainSteps) {
            problems.append("num_train_timesteps is \(trainSteps), must lie in 1...\(Self.mostTrainSteps)")
        }
        if let trainedBetas {
            if trainedBetas.count != trainSteps {
                problems.append(
                    "trained_betas has \(trainedBetas.count) values, num_train_timesteps is \(trainSteps)")
            }
        } else {
            for (name, beta) in [("beta_start", betaStart), ("beta_end", betaEnd)]
            where betaSchedule != .cosine && !(beta > 0 && beta < 1) {
                problems.append("\(name) is \(beta), must lie between 0 and 1")
            }
        }
        if clipSample && !(clipSampleRange > 0) {
            problems.append("clip_sample_range is \(clipSampleRange), must be positive")
        }
        if !(0..<max(trainSteps, 1)).contains(stepsOffset) {
            problems.append("steps_offset is \(stepsOffset), must lie in 0..<num_train_timesteps")
        }
        if thresholding { problems.append("thresholding is not supported; set it to false") }
        if !problems.isEmpty { throw DiffusionError.invalidSchedule(problems) }
    }

    /// The noise schedule described here.
    public func schedule() throws -> NoiseSchedule {
        try validate()
        let schedule =
            if let trainedBetas {
                try NoiseSchedule(betas: trainedBetas)
            } else {
                try NoiseSchedule(
                    betaSchedule, trainSteps: trainSteps, betaStart: betaStart, betaEnd: betaEnd)
            }
        return rescaleBetasZeroSNR ? try schedule.rescaledToZeroTerminalSNR() : schedule
    }

    /// How the model's output is read.
    public var prediction: Prediction {
        Prediction(type: predictionType, clipRange: clipSample ? clipSampleRange : nil)
    }
}

extension SchedulerConfiguration {
    /// The first key by which noised samples, or what networks say of them, are others than under another scheduler,
    /// with both values; nil where they are the same. How samplers place their steps does not matter.
    public func differenceInNoise(from other: SchedulerConfiguration) -> String? {
        func difference<Value: Equatable>(
            _ key: CodingKeys, _ value: KeyPath<SchedulerConfiguration, Value>
        ) -> String? {
            let (own, others) = (self[keyPath: value], other[keyPath: value])
            return own == others ? nil : "\(key.rawValue) is \(own), not \(others)"
        }
        let differences = [
            difference(.trainSteps, \.trainSteps), difference(.betaStart, \.betaStart),
            difference(.betaEnd, \.betaEnd), difference(.betaSchedule, \.betaSchedule.rawValue),
            difference(.predictionType, \.predictionType.rawValue),
            difference(.rescaleBetasZeroSNR, \.rescaleBetasZeroSNR),
            trainedBetas == other.trainedBetas ? nil : "it has trained_betas of its own",
        ]
        return differences.compactMap { $0 }.first
    }
}

extension SchedulerConfiguration: Codable {
    private enum CodingKeys: String, CodingKey {
        case trainSteps = "num_train_timesteps"
        case betaStart = "beta_start"
        case betaEnd = "beta_end"
        case betaSchedule = "beta_schedule"
        case trainedBetas = "trained_betas"
        case predictionType = "prediction_type"
        case clipSample = "clip_sample"
        case clipSampleRange = "clip_sample_range"
        case setAlphaToOne = "set_alpha_to_one"
        case stepsOffset = "steps_offset"
        case timestepSpacing = "timestep_spacing"
        case rescaleBetasZeroSNR = "rescale_betas_zero_snr"
        case thresholding
        case className = "_class_name"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func read<Value: Decodable>(_ key: CodingKeys, into value: inout Value) throws {
            value = try container.decodeIfPresent(Value.self, forKey: key) ?? value
        }
        func readName<Name: RawRepresentable & CaseIterable>(
            _ key: CodingKeys, into value: inout Name
        ) throws where Name.RawValue == String {
            guard let text = try container.decodeIfPresent(String.self, forKey: key) else { return }
            guard let name = Name(rawValue: text) else {
                let known = Name.allCases.map(\.rawValue).joined(separator: ", ")
                throw DiffusionError.invalidSchedule([
                    "\(key.rawValue) is \"\(text)\", must be one of \(known)"
                ])
            }
            value = name
        }
        try read(.trainSteps, into: &trainSteps)
        try read(.betaStart, into: &betaStart)
        try read(.betaEnd, into: &betaEnd)
        try read(.betaSchedule, into: &betaSchedule)
        trainedBetas = try container.decodeIfPresent([Double].self, forKey: .trainedBetas)
        try readName(.predictionType, into: &predictionType)
        try read(.clipSample, into: &clipSample)
        try read(.clipSampleRange, into: &clipSampleRange)
        try read(.setAlphaToOne, into: &setAlphaToOne)
        try read(.stepsOffset, into: &stepsOffset)
        try readName(.timestepSpacing, into: &timestepSpacing)
        try read(.rescaleBetasZeroSNR, into: &rescaleBetasZeroSNR)
        try read(.thresholding, into: &thresholding)
        className = try container.decodeIfPresent(String.self, forKey: .className)
    }
}
