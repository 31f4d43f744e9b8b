import WeightFiles

/// transformers' `config.json` of a CLIPTextModel: same keys, same defaults.
public struct CLIPTextConfiguration: Sendable, Equatable {
    public var encoder = CLIPEncoderConfiguration(width: 512, innerWidth: 2048, layers: 12, heads: 8)
    /// Rows of the table of tokens.
    public var vocabularySize = 49408
    /// Tokens of the longest text.
    public var positions = 77
    /// Whose position in a text its pooled features are taken from; 2 stands for the largest id, as in files
    /// written before transformers 4.31.
    public var endToken: Int32 = 49407

    public init() {}

    /// CLIP ViT-L/14's, which Stable Diffusion 1 has.
    public static var stableDiffusion1: CLIPTextConfiguration {
        var configuration = CLIPTextConfiguration()
        configuration.encoder = CLIPEncoderConfiguration(width: 768, innerWidth: 3072, layers: 12, heads: 12)
        return configuration
    }

    /// - Throws: `ModelFilesError.invalid` with all problems at once.
    func validate(path: String) throws {
        let problems =
            encoder.problems
            + outOfRange([("vocab_size", vocabularySize), ("max_position_embeddings", positions)])
        guard problems.isEmpty else {
            throw ModelFilesError.invalid(path: path, reason: problems.joined(separator: "; "))
        }
    }
}

extension CLIPTextConfiguration: Decodable {
    private enum CodingKeys: String, CodingKey {
        case vocabularySize = "vocab_size"
        case width = "hidden_size"
        case innerWidth = "intermediate_size"
        case layers = "num_hidden_layers"
        case heads = "num_attention_heads"
        case activation = "hidden_act"
        case normEpsilon = "layer_norm_eps"
        case positions = "max_position_embeddings"
        case endToken = "eos_token_id"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func read<Value: Decodable>(_ key: CodingKeys, into value: inout Value) throws {
            value = try container.decodeIfPresent(Value.self, forKey: key) ?? value
        }
        try read(.vocabularySize, into: &vocabularySize)
        try read(.width, into: &encoder.width)
        try read(.innerWidth, into: &encoder.innerWidth)
        try read(.layers, into: &encoder.layers)
        try read(.heads, into: &encoder.heads)
        try read(.activation, into: &encoder.activation)
        try read(.normEpsilon, into: &encoder.normEpsilon)
        try read(.positions, into: &positions)
        try read(.endToken, into: &endToken)
    }
}
