import Layers
import TensorCore

/// One half of the autoencoder: a convolution in, stages, a norm and a convolution out.
final class AutoencoderHalf: CompositeModule {
    private let input: Conv2d
    private let levels: [AutoencoderLevel]
    private let middle: AutoencoderMiddle
    private let norm: GroupNormLayer
    private let output: Conv2d
    private let direction: AutoencoderLevel.Direction

    /// Images to twice the latent channels: the mean, then the logarithm of the variance.
    static func encoder(_ source: ParameterSource, _ configuration: AutoencoderConfiguration)
        -> AutoencoderHalf
    {
        AutoencoderHalf(
            source, configuration, .down, channels: configuration.channels,
            blocks: configuration.blocksPerLevel, inputs: configuration.imageChannels,
            outputs: 2 * configuration.latentChannels)
    }

    /// Latents to images.
    static func decoder(_ source: ParameterSource, _ configuration: AutoencoderConfiguration)
        -> AutoencoderHalf
    {
        AutoencoderHalf(
            source, configuration, .up, channels: configuration.channels.reversed(),
            blocks: configuration.blocksPerLevel + 1, inputs: configuration.latentChannels,
            outputs: configuration.imageChannels)
    }

    /// - Parameter channels: of the levels in the order they are passed.
    private init(
        _ source: ParameterSource, _ configuration: AutoencoderConfiguration,
        _ direction: AutoencoderLevel.Direction, channels: [Int], blocks: Int, inputs: Int, outputs: Int
    ) {
        let (groups, first, last) = (configuration.normGroups, channels[0], channels[channels.count - 1])
        self.direction = direction
        input = Conv2d(source / "conv_in", inputs, first)
        levels = channels.indices.map { level in
            AutoencoderLevel(
                source / "\(direction.blocks).\(level)", channels[max(level - 1, 0)], channels[level],
                blocks: blocks, groups: groups, direction, isLast: level == channels.count - 1)
        }
        middle = AutoencoderMiddle(
            source / "mid_block", direction == .down ? last : first, groups: groups,
            hasAttention: configuration.hasAttention)
        norm = .autoencoder(source / "conv_norm_out", last, groups: groups, silu: true)
        output = Conv2d(source / "conv_out", last, outputs)
    }

    /// The parts in order: the coarsest level comes last in the encoder and first in the decoder.
    var stages: [AutoencoderStage] {
        let body = levels.flatMap(\.stages)
        let whole = direction == .down ? body + middle.stages : middle.stages + body
        return [{ [input] in input($0) }] + whole + [{ [norm, output] in output(norm($0)) }]
    }

    var children: [(name: String, module: any Module)] {
        [("conv_in", input)] + numbered(direction.blocks, levels)
            + [("mid_block", middle), ("conv_norm_out", norm), ("conv_out", output)]
    }
}

extension AutoencoderLevel.Direction {
    /// The name of the levels.
    fileprivate var blocks: String { self == .down ? "down_blocks" : "up_blocks" }
}
