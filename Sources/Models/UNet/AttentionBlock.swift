import Layers
import TensorCore

/// Attention of the image to itself or to the text, with its projections.
///
/// - Shapes: x `[N, P, C]`, context `[N, T, D]`, result `[N, P, C]`.
final class AttentionBlock: CompositeModule {
    private let query: AdaptableLinear
    private let key: AdaptableLinear
    private let value: AdaptableLinear
    private let output: AdaptableLinear
    private let heads: Int

    /// - Parameter context: width of what is attended to.
    init(_ source: ParameterSource, _ channels: Int, context: Int, heads: Int) {
        query = AdaptableLinear(source / "to_q", channels, channels, hasBias: false)
        key = AdaptableLinear(source / "to_k", context, channels, hasBias: false)
        value = AdaptableLinear(source / "to_v", context, channels, hasBias: false)
        output = AdaptableLinear(source / "to_out.0", channels, channels)
        self.heads = heads
    }

    /// - Parameters:
    ///   - context: what is attended to; x itself if nil.
    ///   - residual: added to the result.
    func callAsFunction(
        _ x: Tensor, _ context: Tensor? = nil, adding residual: Tensor, _ adapters: AdapterPass
    ) -> Tensor {
        let context = context ?? x
        let y = attention(
            split(query(x, adapters)), split(key(context, adapters)), split(value(context, adapters)))
        return output(y.reshaped(x.shape.dimensions), adapters, adding: residual)
    }

    /// `[N, P, C]` as `[N, P, heads, C / heads]`.
    private func split(_ x: Tensor) -> Tensor {
        x.reshaped(x.shape[0], x.shape[1], heads, x.shape[2] / heads)
    }

    var children: [(name: String, module: any Module)] {
        [("to_q", query), ("to_k", key), ("to_v", value), ("to_out.0", output)]
    }
}
