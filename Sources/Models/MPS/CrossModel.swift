import Layers
import TensorCore

/// The transformer of MPS: in each layer the tokens of an image look at those of its prompt, then at each other.
///
/// - Shapes: x, y `[N, tokens of the image, width]`; texts `[N, tokens of the text, width]`; mask i32 `[N, tokens of
///   the text]`, 0 for those that nobody looks at.
final class CrossModel: CompositeModule {
    private let layers: [(cross: CrossBlock, own: ParallelBlock)]

    init(_ source: ParameterSource, _ configuration: CrossModelConfiguration) {
        layers = (0..<configuration.layers).map { index in
            let layer = source / "layers.\(index)"
            return (CrossBlock(layer / "0.fn", configuration), ParallelBlock(layer / "1.fn", configuration))
        }
    }

    func callAsFunction(_ x: Tensor, _ texts: Tensor, mask: Tensor) -> Tensor {
        layers.reduce(x) { $1.own($1.cross($0, texts, mask: mask)) }
    }

    var children: [(name: String, module: any Module)] {
        layers.enumerated().flatMap { index, layer -> [(name: String, module: any Module)] in
            [("layers.\(index).0.fn", layer.cross), ("layers.\(index).1.fn", layer.own)]
        }
    }
}

/// y = x + W_o · attention(W_q h, W_kv texts) + feed-forward(h),  h = norm(x).
final class CrossBlock: CompositeModule {
    private let headWidth: Int
    private let norm: LayerNorm
    private let query: Linear
    private let keyAndValue: Linear
    private let output: Linear
    private let inner: Linear
    private let outer: Linear

    init(_ source: ParameterSource, _ configuration: CrossModelConfiguration) {
        let (width, innerWidth) = (configuration.width, configuration.innerWidth)
        let queries = configuration.heads * configuration.headWidth
        headWidth = configuration.headWidth
        norm = LayerNorm(source / "norm", width)
        query = Linear(source / "to_q", width, queries, hasBias: false)
        keyAndValue = Linear(source / "to_kv", width, 2 * headWidth, hasBias: false)
        output = Linear(source / "to_out", queries, width, hasBias: false)
        inner = Linear(source / "ff.0", width, 2 * innerWidth, hasBias: false)
        outer = Linear(source / "ff.2", innerWidth, width, hasBias: false)
    }

    func callAsFunction(_ x: Tensor, _ texts: Tensor, mask: Tensor) -> Tensor {
        let h = norm(x)
        let (batch, tokens) = (x.shape[0], x.shape[1])
        // One key and one value for all heads (Shazeer 2019): the heads of a token are queries of one head.
        let attended = attention(
            query(h).reshaped(batch, -1, 1, headWidth),
            keysAndValues: keyAndValue(texts).reshaped(batch, -1, 2, 1, headWidth), keyMask: mask)
        return outer(inner(h).swiglu(), adding: output(attended.reshaped(batch, tokens, -1), adding: x))
    }

    var children: [(name: String, module: any Module)] {
        [
            ("norm", norm), ("to_q", query), ("to_kv", keyAndValue), ("to_out", output), ("ff.0", inner),
            ("ff.2", outer),
        ]
    }
}
