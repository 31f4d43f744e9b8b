import WeightFiles

/// transformers' configuration of a CLIPVisionModel: same keys, same defaults.
public struct CLIPVisionConfiguration: Sendable, Equatable {
    public var encoder = CLIPEncoderConfiguration(width: 768, innerWidth: 3072, layers: 12, heads: 12)
    /// Pixels of either side.
    public var imageSize = 224
    /// Pixels of either side of the squares that become tokens.
    public var patchSize = 32
    public var channels = 3

    public init() {}

    /// Tokens of an image, without the class token.
    public var patches: Int { (imageSize / patchSize) * (imageSize / patchSize) }

    /// What keeps the sizes from making a model, in the words of `config.json`.
    var problems: [String] {
        var problems =
            encoder.problems + outOfRange([("image_size", imageSize), ("patch_size", patchSize)])
        if problems.isEmpty, patchSize > imageSize {
            problems.append("patch_size \(patchSize) is larger than image_size \(imageSize)")
        }
        if channels != 3 { problems.append("num_channels is \(channels), must be 3") }
        return problems
    }
}

extension CLIPVisionConfiguration: Decodable {
    private enum CodingKeys: String, CodingKey {
        case imageSize = "image_size"
        case patchSize = "patch_size"
        case channels = "num_channels"
    }

    public init(from decoder: any Decoder) throws {
        try encoder.update(from: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try container.update(&imageSize, .imageSize)
        try container.update(&patchSize, .patchSize)
        try container.update(&channels, .channels)
    }
}
