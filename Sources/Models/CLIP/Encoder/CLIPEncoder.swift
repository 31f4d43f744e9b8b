import Layers
import TensorCore

/// The transformer of CLIP's two towers: layers that normalise first (Radford and others 2021, §2.4).
///
/// - Shapes: x, y `[N, tokens, width]`.
final class CLIPEncoder: Module {
    private let layers: [CLIPEncoderLayer]

    init(_ source: ParameterSource, _ configuration: CLIPEncoderConfiguration) {
        layers = (0..<configuration.layers).map { CLIPEncoderLayer(source / "layers.\($0)", configuration) }
    }

    /// - Parameter isCausal: whether a token sees itself and those before it only, as in the text tower.
    func callAsFunction(_ x: Tensor, isCausal: Bool) -> Tensor {
        layers.reduce(x) { $1($0, isCausal: isCausal) }
    }

    var namedParameters: [NamedParameter] {
        layers.enumerated().flatMap { $1.namedParameters(under: "layers.\($0)") }
    }
}

/// h = x + attention(norm₁(x)),  y = h + W₂ · f(W₁ · norm₂(h)).
final class CLIPEncoderLayer: Module {
    private let attentionNorm: LayerNorm
    private let attention: CLIPAttention
    private let feedForwardNorm: LayerNorm
    private let inner: Linear
    private let outer: Linear
    private let activation: CLIPActivation

    init(_ source: ParameterSource, _ configuration: CLIPEncoderConfiguration) {
        let (width, innerWidth) = (configuration.width, configuration.innerWidth)
        attentionNorm = LayerNorm(source / "layer_norm1", width, epsilon: configuration.normEpsilon)
        attention = CLIPAttention(source / "self_attn", width: width, heads: configuration.heads)
        feedForwardNorm = LayerNorm(source / "layer_norm2", width, epsilon: configuration.normEpsilon)
        inner = Linear(source / "mlp" / "fc1", width, innerWidth)
        outer = Linear(source / "mlp" / "fc2", innerWidth, width)
        activation = configuration.activation
    }

    func callAsFunction(_ x: Tensor, isCausal: Bool) -> Tensor {
        let h = attention(attentionNorm(x), isCausal: isCausal, adding: x)
        return outer(activation(inner(feedForwardNorm(h))), adding: h)
    }

    var namedParameters: [NamedParameter] {
        attentionNorm.namedParameters(under: "layer_norm1") + attention.namedParameters(under: "self_attn")
            + feedForwardNorm.namedParameters(under: "layer_norm2") + inner.namedParameters(under: "mlp.fc1")
            + outer.namedParameters(under: "mlp.fc2")
    }
}

/// Multi-head self-attention (Vaswani and others 2017, §3.2.2).
final class CLIPAttention: Module {
    private let heads: Int
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let output: Linear

    init(_ source: ParameterSource, width: Int, heads: Int) {
        self.heads = heads
        query = Linear(source / "q_proj", width, width)
        key = Linear(source / "k_proj", width, width)
        value = Linear(source / "v_proj", width, width)
        output = Linear(source / "out_proj", width, width)
    }

    func callAsFunction(_ x: Tensor, isCausal: Bool, adding addend: Tensor) -> Tensor {
        let (batch, tokens, width) = (x.shape[0], x.shape[1], x.shape[2])
        let split = { (layer: Linear) in layer(x).reshaped(batch, tokens, self.heads, width / self.heads) }
        let attended = attention(split(query), split(key), split(value), isCausal: isCausal)
        return output(attended.reshaped(batch, tokens, width), adding: addend)
    }

    var namedParameters: [NamedParameter] {
        query.namedParameters(under: "q_proj") + key.namedParameters(under: "k_proj")
            + value.namedParameters(under: "v_proj") + output.namedParameters(under: "out_proj")
    }
}
