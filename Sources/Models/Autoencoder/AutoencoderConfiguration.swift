import WeightFiles

/// diffusers' `config.json` of an AutoencoderKL: same keys, same defaults.
public struct AutoencoderConfiguration: Sendable, Equatable {
    public var imageChannels = 3
    public var latentChannels = 4
    /// Channels at each resolution, the finest first; each but the last halves the image.
    public var channels = [64]
    /// Residual blocks at each resolution of the encoder; the decoder has one more.
    public var blocksPerLevel = 1
    public var normGroups = 32
    /// Factor that brings latents to about unit variance for the diffusion model.
    public var scalingFactor = 0.18215
    /// Whether the coarsest level has attention.
    public var hasAttention = true
    /// Whether a 1×1 convolution follows the encoder.
    public var hasQuantConvolution = true
    /// Whether a 1×1 convolution precedes the decoder.
    public var hasPostQuantConvolution = true

    public init() {}

    /// Stable Diffusion 1 and 2.
    public static var stableDiffusion: AutoencoderConfiguration {
        var configuration = AutoencoderConfiguration()
        (configuration.channels, configuration.blocksPerLevel) = ([128, 256, 512, 512], 2)
        return configuration
    }

    /// Pixels of the image along one side of a latent pixel.
    public var downsampling: Int { 1 << (channels.count - 1) }
}

extension AutoencoderConfiguration {
    /// Reads a component's `config.json`.
    ///
    /// - Throws: `ModelFilesError` with all problems at once.
    static func read(_ directory: ComponentDirectory) throws -> AutoencoderConfiguration {
        let path = "\(directory.path)/config.json"
        let file = try directory.configuration(AutoencoderFile.self)
        guard file.foreign.isEmpty else {
            throw ModelFilesError.unsupported(
                path: path, what: file.foreign.joined(separator: "; "),
                advice: "Use an autoencoder of Stable Diffusion 1 or 2.")
        }
        let problems = file.configuration.problems
        guard problems.isEmpty else {
            throw ModelFilesError.invalid(path: path, reason: problems.joined(separator: "; "))
        }
        return file.configuration
    }

    private var problems: [String] {
        var problems = outOfRange([
            ("in_channels", imageChannels), ("latent_channels", latentChannels),
            ("norm_num_groups", normGroups),
        ])
        problems += outOfRange([("layers_per_block", blocksPerLevel)], limit: ModelLimit.layers)
        problems += outOfRange(channels.map { ("block_out_channels", $0) })
        if !(1...ModelLimit.levels).contains(channels.count) {
            problems.append(
                "block_out_channels has \(channels.count) levels, expected 1 to \(ModelLimit.levels)")
        }
        for width in channels where normGroups > 0 && !width.isMultiple(of: normGroups) {
            problems.append("block_out_channels \(width) does not fall into norm_num_groups \(normGroups)")
        }
        if !(scalingFactor > 0 && Float(scalingFactor).isNormal) {
            problems.append("scaling_factor is \(scalingFactor), must be a positive number of f32")
        }
        return problems
    }
}

/// The file, and what it asks for that Saddle does not have.
private struct AutoencoderFile: Decodable {
    var configuration = AutoencoderConfiguration()
    var foreign: [String] = []

    private enum CodingKeys: String, CodingKey {
        case imageChannels = "in_channels"
        case outputChannels = "out_channels"
        case latentChannels = "latent_channels"
        case channels = "block_out_channels"
        case blocksPerLevel = "layers_per_block"
        case normGroups = "norm_num_groups"
        case scalingFactor = "scaling_factor"
        case shiftFactor = "shift_factor"
        case latentsMean = "latents_mean"
        case latentsDeviation = "latents_std"
        case hasAttention = "mid_block_add_attention"
        case hasQuantConvolution = "use_quant_conv"
        case hasPostQuantConvolution = "use_post_quant_conv"
        case downBlocks = "down_block_types"
        case upBlocks = "up_block_types"
        case activation = "act_fn"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func read<Value: Decodable>(_ key: CodingKeys, into value: inout Value) throws {
            value = try container.decodeIfPresent(Value.self, forKey: key) ?? value
        }
        try read(.imageChannels, into: &configuration.imageChannels)
        try read(.latentChannels, into: &configuration.latentChannels)
        try read(.channels, into: &configuration.channels)
        try read(.blocksPerLevel, into: &configuration.blocksPerLevel)
        try read(.normGroups, into: &configuration.normGroups)
        try read(.scalingFactor, into: &configuration.scalingFactor)
        try read(.hasAttention, into: &configuration.hasAttention)
        try read(.hasQuantConvolution, into: &configuration.hasQuantConvolution)
        try read(.hasPostQuantConvolution, into: &configuration.hasPostQuantConvolution)
        try collectForeign(container)
        let keys = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue).sorted()
        foreign += keys.filter {
            !$0.hasPrefix("_") && CodingKeys(rawValue: $0) == nil && !Self.irrelevant.contains($0)
        }.map { "\($0) is no key of an AutoencoderKL" }
    }

    /// Without effect on what is computed.
    private static let irrelevant: Set<String> = ["sample_size", "force_upcast"]

    private mutating func collectForeign(_ container: KeyedDecodingContainer<CodingKeys>) throws {
        let outputChannels = try container.decodeIfPresent(Int.self, forKey: .outputChannels) ?? 3
        if outputChannels != configuration.imageChannels {
            foreign.append(
                "out_channels \(outputChannels) differs from in_channels \(configuration.imageChannels)")
        }
        if let shift = try container.decodeIfPresent(Double.self, forKey: .shiftFactor), shift != 0 {
            foreign.append("shift_factor \(shift) is not supported")
        }
        for key in [CodingKeys.latentsMean, .latentsDeviation] where container.contains(key) {
            if try !container.decodeNil(forKey: key) { foreign.append("\(key.rawValue) is not supported") }
        }
        let activation = try container.decodeIfPresent(String.self, forKey: .activation) ?? "silu"
        if !["silu", "swish"].contains(activation) {
            foreign.append("act_fn \(activation) is not supported")
        }
        for (key, only) in [(CodingKeys.downBlocks, "DownEncoderBlock2D"), (.upBlocks, "UpDecoderBlock2D")] {
            guard let blocks = try container.decodeIfPresent([String].self, forKey: key) else { continue }
            if let other = blocks.first(where: { $0 != only }) {
                foreign.append("\(key.rawValue) has \(other), which is not supported")
            }
            if blocks.count != configuration.channels.count {
                foreign.append(
                    "\(key.rawValue) has \(blocks.count) blocks, block_out_channels \(configuration.channels.count)"
                )
            }
        }
    }
}
