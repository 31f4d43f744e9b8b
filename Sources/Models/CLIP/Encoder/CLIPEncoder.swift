import Layers
import TensorCore

/// The transformer of CLIP's two towers: layers that normalise first (Radford and others 2021, §2.4).
///
/// - Shapes: x, y `[N, tokens, width]`.
final class CLIPEncoder: CompositeModule {
    private let layers: [CLIPEncoderLayer]

    init(_ source: ParameterSource, _ configuration: CLIPEncoderConfiguration) {
        layers = (0..<configuration.layers).map { CLIPEncoderLayer(source / "layers.\($0)", configuration) }
    }

    /// - Parameter isCausal: whether a token sees itself and those before it only, as in the text tower.
    func callAsFunction(_ x: Tensor, isCausal: Bool, _ adapters: AdapterPass) -> Tensor {
        layers.reduce(x) { $1($0, isCausal: isCausal, adapters) }
    }

    var children: [(name: String, module: any Module)] { numbered("layers", layers) }
}

/// h = x + attention(norm₁(x)),  y = h + W₂ · f(W₁ · norm₂(h)).
final class CLIPEncoderLayer: CompositeModule {
    private let attentionNorm: LayerNorm
    private let attention: CLIPAttention
    private let feedForwardNorm: LayerNorm
    private let inner: AdaptableLinear
    private let outer: AdaptableLinear
    private let activation: CLIPActivation

    init(_ source: ParameterSource, _ configuration: CLIPEncoderConfiguration) {
        let (width, innerWidth) = (configuration.width, configuration.innerWidth)
        attentionNorm = LayerNorm(source / "layer_norm1", width, epsilon: configuration.normEpsilon)
        attention = CLIPAttention(source / "self_attn", width: width, heads: configuration.heads)
        feedForwardNorm = LayerNorm(source / "layer_norm2", width, epsilon: configuration.normEpsilon)
        inner = AdaptableLinear(source / "mlp" / "fc1", width, innerWidth)
        outer = AdaptableLinear(source / "mlp" / "fc2", innerWidth, width)
        activation = configuration.activation
    }

    func callAsFunction(_ x: Tensor, isCausal: Bool, _ adapters: AdapterPass) -> Tensor {
        let h = attention(attentionNorm(x), isCausal: isCausal, adapters, adding: x)
        return outer(activation(inner(feedForwardNorm(h), adapters)), adapters, adding: h)
    }

    var children: [(name: String, module: any Module)] {
        [
            ("layer_norm1", attentionNorm), ("self_attn", attention), ("layer_norm2", feedForwardNorm),
            ("mlp.fc1", inner), ("mlp.fc2", outer),
        ]
    }
}

/// Multi-head self-attention (Vaswani and others 2017, §3.2.2).
final class CLIPAttention: CompositeModule {
    private let heads: Int
    private let query: AdaptableLinear
    private let key: AdaptableLinear
    private let value: AdaptableLinear
    private let output: AdaptableLinear

    init(_ source: ParameterSource, width: Int, heads: Int) {
        self.heads = heads
        query = AdaptableLinear(source / "q_proj", width, width)
        key = AdaptableLinear(source / "k_proj", width, width)
        value = AdaptableLinear(source / "v_proj", width, width)
        output = AdaptableLinear(source / "out_proj", width, width)
    }

    func callAsFunction(
        _ x: Tensor, isCausal: Bool, _ adapters: AdapterPass, adding addend: Tensor
    ) -> Tensor {
        let (batch, tokens, width) = (x.shape[0], x.shape[1], x.shape[2])
        let split = { [heads] (layer: AdaptableLinear) in
            layer(x, adapters).reshaped(batch, tokens, heads, width / heads)
        }
        let attended = attention(split(query), split(key), split(value), isCausal: isCausal)
        return output(attended.reshaped(batch, tokens, width), adapters, adding: addend)
    }

    var children: [(name: String, module: any Module)] {
        [("q_proj", query), ("k_proj", key), ("v_proj", value), ("out_proj", output)]
    }
}
