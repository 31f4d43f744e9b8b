import Layers
import TensorCore

/// y = x + W_o · attention(R q, R k, v) + feed-forward(f),  (q, k, v, f) = W · norm(x),  R the rotation of a place.
///
/// Attention and feed-forward stand side by side on one projection (Chowdhery and others 2022, §2), and all heads share
/// one key and one value.
///
/// - Shapes: x, y `[N, tokens, width]`.
final class ParallelBlock: CompositeModule {
    private let headWidth: Int
    /// Features of all queries together.
    private let queryWidth: Int
    private let norm: LayerNorm
    private let rotation: RotaryEmbedding
    private let projection: Linear
    private let output: Linear
    private let outer: Linear

    init(_ source: ParameterSource, _ configuration: CrossModelConfiguration) {
        let (width, innerWidth) = (configuration.width, configuration.innerWidth)
        headWidth = configuration.headWidth
        queryWidth = configuration.heads * headWidth
        norm = LayerNorm(source / "norm", width)
        rotation = RotaryEmbedding(source / "rotary_emb", width: headWidth)
        projection = Linear(
            source / "fused_attn_ff_proj", width, queryWidth + 2 * headWidth + 2 * innerWidth, hasBias: false)
        output = Linear(source / "attn_out", queryWidth, width, hasBias: false)
        outer = Linear(source / "ff_out.1", innerWidth, width, hasBias: false)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        let (batch, tokens) = (x.shape[0], x.shape[1])
        let projected = projection(norm(x))
        var start = 0
        func next(_ width: Int) -> Tensor {
            defer { start += width }
            return projected.slice(start..<start + width, axis: 2)
        }
        let (queries, key, value) = (next(queryWidth), next(headWidth), next(headWidth))
        let gated = next(projected.shape.last - start)
        let attended = attention(
            rotation(queries.reshaped(batch, tokens, -1, headWidth)).reshaped(batch, -1, 1, headWidth),
            rotation(key.reshaped(batch, tokens, 1, headWidth)),
            value.reshaped(batch, tokens, 1, headWidth))
        return outer(gated.swiglu(), adding: output(attended.reshaped(batch, tokens, -1), adding: x))
    }

    var children: [(name: String, module: any Module)] {
        [
            ("norm", norm), ("rotary_emb", rotation), ("fused_attn_ff_proj", projection),
            ("attn_out", output), ("ff_out.1", outer),
        ]
    }
}

extension Tensor {
    /// y = h · silu(g), where the last axis holds h and then g (Shazeer 2020, SwiGLU).
    ///
    /// - Shapes: self `[…, 2C]`, y `[…, C]`.
    func swiglu() -> Tensor {
        let half = shape.last / 2
        return slice(0..<half, axis: -1) * slice(half..<2 * half, axis: -1).silu()
    }
}
