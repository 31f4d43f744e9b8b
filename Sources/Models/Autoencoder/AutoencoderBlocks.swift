import Layers
import TensorCore

/// y = s(x) + conv₂(silu(norm₂(conv₁(silu(norm₁(x)))))), with a 1×1 convolution s where the width changes.
///
/// - Shapes: x `[N, h, w, I]`, y `[N, h, w, O]`.
final class AutoencoderResidual: CompositeModule {
    private let firstNorm: GroupNormLayer
    private let firstConvolution: Conv2d
    private let secondNorm: GroupNormLayer
    private let secondConvolution: Conv2d
    private let shortcut: Conv2d?

    init(_ source: ParameterSource, _ inputs: Int, _ outputs: Int, groups: Int) {
        firstNorm = .autoencoder(source / "norm1", inputs, groups: groups, silu: true)
        firstConvolution = Conv2d(source / "conv1", inputs, outputs)
        secondNorm = .autoencoder(source / "norm2", outputs, groups: groups, silu: true)
        secondConvolution = Conv2d(source / "conv2", outputs, outputs)
        shortcut = inputs == outputs ? nil : Conv2d(source / "conv_shortcut", inputs, outputs, kernel: 1)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        let h = secondNorm(firstConvolution(firstNorm(x)))
        return secondConvolution(h, adding: shortcut.map { $0(x) } ?? x)
    }

    var children: [(name: String, module: any Module)] {
        [
            ("norm1", firstNorm), ("conv1", firstConvolution), ("norm2", secondNorm),
            ("conv2", secondConvolution),
        ] + (shortcut.map { [("conv_shortcut", $0)] } ?? [])
    }
}

/// y = x + W_o · attention(norm(x)): every pixel attends to all pixels, with one head.
///
/// - Shapes: x, y `[N, h, w, C]`.
final class AutoencoderAttention: CompositeModule {
    private let norm: GroupNormLayer
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let output: Linear

    init(_ source: ParameterSource, _ channels: Int, groups: Int) {
        norm = .autoencoder(source / "group_norm", channels, groups: groups)
        query = Linear(source / "to_q", channels, channels)
        key = Linear(source / "to_k", channels, channels)
        value = Linear(source / "to_v", channels, channels)
        output = Linear(source / "to_out" / "0", channels, channels)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        let (images, channels) = (x.shape[0], x.shape.last)
        let tokens = norm(x).reshaped(images, -1, channels)
        let single = { (layer: Linear) in layer(tokens).reshaped(images, -1, 1, channels) }
        let attended = attention(single(query), single(key), single(value))
        return output(attended.reshaped(x.shape.dimensions), adding: x)
    }

    var children: [(name: String, module: any Module)] {
        [("group_norm", norm), ("to_q", query), ("to_k", key), ("to_v", value), ("to_out.0", output)]
    }
}

/// The coarsest level: residual, attention, residual.
final class AutoencoderMiddle: CompositeModule {
    private let first: AutoencoderResidual
    private let attention: AutoencoderAttention?
    private let second: AutoencoderResidual

    init(_ source: ParameterSource, _ channels: Int, groups: Int, hasAttention: Bool) {
        first = AutoencoderResidual(source / "resnets" / "0", channels, channels, groups: groups)
        attention =
            hasAttention
            ? AutoencoderAttention(source / "attentions" / "0", channels, groups: groups) : nil
        second = AutoencoderResidual(source / "resnets" / "1", channels, channels, groups: groups)
    }

    /// The parts in order.
    var stages: [AutoencoderStage] {
        [first.callAsFunction] + (attention.map { [$0.callAsFunction] } ?? []) + [second.callAsFunction]
    }

    var children: [(name: String, module: any Module)] {
        [("resnets.0", first)] + (attention.map { [("attentions.0", $0)] } ?? [])
            + [("resnets.1", second)]
    }
}

/// One resolution: residual blocks, and a convolution that changes the resolution where another level follows.
final class AutoencoderLevel: CompositeModule {
    private let residuals: [AutoencoderResidual]
    private let resampling: Conv2d?
    private let direction: Direction

    enum Direction {
        case down, up

        /// The name of the convolution that changes the resolution.
        var layer: String { self == .down ? "downsamplers.0.conv" : "upsamplers.0.conv" }
    }

    init(
        _ source: ParameterSource, _ inputs: Int, _ outputs: Int, blocks: Int, groups: Int,
        _ direction: Direction, isLast: Bool
    ) {
        residuals = (0..<blocks).map { block in
            AutoencoderResidual(
                source / "resnets.\(block)", block == 0 ? inputs : outputs, outputs, groups: groups)
        }
        self.direction = direction
        // Halving pads right and below alone: the pixel grid of the original code.
        let padding = direction == .down ? Padding(bottom: 1, right: 1) : Padding(1)
        resampling =
            isLast
            ? nil
            : Conv2d(
                source / direction.layer, outputs, outputs, stride: direction == .down ? 2 : 1,
                padding: padding)
    }

    /// The parts in order.
    var stages: [AutoencoderStage] {
        residuals.map { $0.callAsFunction }
            + (resampling.map { layer in
                [direction == .down ? { layer($0) } : { layer($0.upsampled()) }]
            } ?? [])
    }

    var children: [(name: String, module: any Module)] {
        numbered("resnets", residuals) + (resampling.map { [(direction.layer, $0)] } ?? [])
    }
}

/// A part of the encoder or the decoder: what gradient checkpointing runs again.
typealias AutoencoderStage = (Tensor) -> Tensor

extension GroupNormLayer {
    /// diffusers' autoencoders all have this ε.
    static func autoencoder(
        _ source: ParameterSource, _ channels: Int, groups: Int, silu: Bool = false
    ) -> GroupNormLayer {
        GroupNormLayer(source, channels, groups: groups, epsilon: 1e-6, isFollowedBySiLU: silu)
    }
}
