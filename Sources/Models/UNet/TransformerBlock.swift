import Layers
import TensorCore

/// Attention to the image, attention to the text, feed-forward; each on a norm of its input, and added to it.
///
/// - Shapes: x `[N, P, C]`.
final class TransformerBlock: CompositeModule {
    private let norms: [LayerNorm]
    private let first: AttentionBlock
    private let second: AttentionBlock
    private let gated: AdaptableLinear
    private let output: AdaptableLinear
    /// Whether the first attention is to the text too.
    private let isCrossOnly: Bool

    init(_ source: ParameterSource, _ level: UNetConfiguration.Level, isCrossOnly: Bool) {
        let channels = level.channels
        self.isCrossOnly = isCrossOnly
        norms = (1...3).map { LayerNorm(source / "norm\($0)", channels) }
        first = AttentionBlock(
            source / "attn1", channels, context: isCrossOnly ? level.context : channels, heads: level.heads)
        second = AttentionBlock(source / "attn2", channels, context: level.context, heads: level.heads)
        gated = AdaptableLinear(source / "ff.net.0.proj", channels, 8 * channels)
        output = AdaptableLinear(source / "ff.net.2", 4 * channels, channels)
    }

    func callAsFunction(_ x: Tensor, _ pass: UNetPass) -> Tensor {
        let adapters = pass.adapters
        let seen = first(norms[0](x), isCrossOnly ? pass.context : nil, adding: x, adapters)
        let told = second(norms[1](seen), pass.context, adding: seen, adapters)
        return output(hidden(told, pass), adapters, adding: told)
    }

    /// Gated units, of eight times the width of x before the gates: a third of what a layer would keep for a backward
    /// pass, so that they are computed again there.
    private func hidden(_ x: Tensor, _ pass: UNetPass) -> Tensor {
        let units = { [norm = norms[2], gated] (x: Tensor) in gated(norm(x), pass.adapters).geglu() }
        guard x.isTracked, !pass.isInSegment else { return units(x) }
        return segment([x]) { units($0[0]) }
    }

    var children: [(name: String, module: any Module)] {
        let normed = norms.enumerated().map { ("norm\($0 + 1)", $1 as any Module) }
        return normed + [
            ("attn1", first), ("attn2", second), ("ff.net.0.proj", gated), ("ff.net.2", output),
        ]
    }
}

/// Transformer blocks on the pixels of an image, added to it: diffusers' Transformer2DModel.
///
/// - Shapes: x `[N, H, W, C]`.
final class ImageTransformer: CompositeModule {
    private let norm: GroupNormLayer
    private let input: AdaptableLinear
    private let blocks: [TransformerBlock]
    private let output: AdaptableLinear

    init(
        _ source: ParameterSource, _ level: UNetConfiguration.Level, _ configuration: UNetConfiguration,
        isCrossOnly: Bool
    ) {
        let kind: AdaptableLinear.Kind =
            configuration.usesLinearProjection ? .matrix : .pointwiseConvolution
        norm = GroupNormLayer(
            source / "norm", level.channels, groups: configuration.groups, epsilon: 1e-6)
        input = AdaptableLinear(source / "proj_in", level.channels, level.channels, kind: kind)
        blocks = (0..<level.transformerLayers).map {
            TransformerBlock(source / "transformer_blocks.\($0)", level, isCrossOnly: isCrossOnly)
        }
        output = AdaptableLinear(source / "proj_out", level.channels, level.channels, kind: kind)
    }

    func callAsFunction(_ x: Tensor, _ pass: UNetPass) -> Tensor {
        let tokens = x.reshaped(x.shape[0], -1, x.shape[3])
        var h = input(norm(tokens), pass.adapters)
        for block in blocks { h = block(h, pass) }
        return output(h, pass.adapters, adding: tokens).reshaped(x.shape.dimensions)
    }

    var children: [(name: String, module: any Module)] {
        [("norm", norm), ("proj_in", input)] + numbered("transformer_blocks", blocks)
            + [("proj_out", output)]
    }
}
