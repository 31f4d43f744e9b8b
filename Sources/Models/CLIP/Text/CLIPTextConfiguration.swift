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
        case positions = "max_position_embeddings"
        case endToken = "eos_token_id"
        case kind = "model_type"
    }

    /// The model alone, and as part of a CLIPModel.
    private enum Kind: String, CaseIterable {
        case textModel = "clip_text_model"
        case clip
    }

    public init(from decoder: any Decoder) throws {
        try encoder.update(from: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        _ = try container.decodeName(Kind.self, forKey: .kind)
        try container.update(&vocabularySize, .vocabularySize)
        try container.update(&positions, .positions)
        try container.update(&endToken, .endToken)
    }
}
