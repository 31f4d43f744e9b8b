import WeightFiles

extension CLIPEncoderConfiguration {
    private enum CodingKeys: String, CodingKey {
        case width = "hidden_size"
        case innerWidth = "intermediate_size"
        case layers = "num_hidden_layers"
        case heads = "num_attention_heads"
        case activation = "hidden_act"
        case normEpsilon = "layer_norm_eps"
    }

    /// Takes over what transformers' configuration of a text or vision tower says; other keys keep their defaults.
    mutating func update(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try container.update(&width, .width)
        try container.update(&innerWidth, .innerWidth)
        try container.update(&layers, .layers)
        try container.update(&heads, .heads)
        activation = try container.decodeName(CLIPActivation.self, forKey: .activation) ?? activation
        try container.update(&normEpsilon, .normEpsilon)
    }
}

extension KeyedDecodingContainer {
    /// Replaces a default where the key is there.
    func update<Value: Decodable>(_ value: inout Value, _ key: Key) throws {
        value = try decodeIfPresent(Value.self, forKey: key) ?? value
    }
}
