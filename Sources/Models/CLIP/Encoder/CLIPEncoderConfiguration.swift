import TensorCore

/// Sizes of the transformer that CLIP's text and vision towers share.
public struct CLIPEncoderConfiguration: Sendable, Equatable {
    /// Features of a token.
    public var width: Int
    /// Features inside the feed-forward part.
    public var innerWidth: Int
    public var layers: Int
    public var heads: Int
    public var activation: CLIPActivation
    public var normEpsilon: Double

    public init(
        width: Int, innerWidth: Int, layers: Int, heads: Int, activation: CLIPActivation = .quickGELU,
        normEpsilon: Double = 1e-5
    ) {
        self.width = width
        self.innerWidth = innerWidth
        self.layers = layers
        self.heads = heads
        self.activation = activation
        self.normEpsilon = normEpsilon
    }

    /// What keeps the sizes from making an encoder, in the words of `config.json`.
    var problems: [String] {
        var problems = outOfRange([
            ("hidden_size", width), ("intermediate_size", innerWidth), ("num_attention_heads", heads),
        ])
        problems += outOfRange([("num_hidden_layers", layers)], limit: ModelLimit.layers)
        if problems.isEmpty, !width.isMultiple(of: heads) {
            problems.append("hidden_size \(width) does not fall into num_attention_heads \(heads)")
        }
        if !(normEpsilon > 0 && normEpsilon.isFinite) {
            problems.append("layer_norm_eps is \(normEpsilon), must be positive")
        }
        return problems
    }
}

/// Activation of the feed-forward part, by transformers' names.
public enum CLIPActivation: String, Sendable, CaseIterable {
    case quickGELU = "quick_gelu"
    case gelu

    func callAsFunction(_ x: Tensor) -> Tensor {
        switch self {
        case .quickGELU: x.quickGELU()
        case .gelu: x.gelu()
        }
    }
}
