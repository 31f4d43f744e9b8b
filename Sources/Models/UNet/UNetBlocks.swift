import Layers
import TensorCore

/// A residual block and, where there is attention, a transformer.
struct UNetLayer {
    let residual: ResidualBlock
    let transformer: ImageTransformer?

    func callAsFunction(_ x: Tensor, _ pass: UNetPass) -> Tensor {
        let h = residual(x, pass)
        return transformer.map { $0(h, pass) } ?? h
    }
}

/// The way down through one resolution: DownBlock2D, CrossAttnDownBlock2D.
final class DownBlock: CompositeModule {
    private let layers: [UNetLayer]
    private let downsampler: Conv2d?

    /// - Parameter inputs: channels of what comes in.
    init(
        _ source: ParameterSource, _ inputs: Int, _ level: UNetConfiguration.Level,
        _ configuration: UNetConfiguration, isLast: Bool
    ) {
        layers = (0..<level.layers).map { index in
            UNetLayer(
                residual: ResidualBlock(
                    source / "resnets.\(index)", index == 0 ? inputs : level.channels, level.channels,
                    configuration),
                transformer: !level.hasAttentionDown
                    ? nil
                    : ImageTransformer(
                        source / "attentions.\(index)", level, configuration,
                        isCrossOnly: level.hasCrossAttentionOnly))
        }
        downsampler =
            isLast
            ? nil : Conv2d(source / "downsamplers.0.conv", level.channels, level.channels, stride: 2)
    }

    /// All that the way up will see, the last of which goes on.
    func callAsFunction(_ x: Tensor, _ pass: UNetPass) -> [Tensor] {
        var outputs: [Tensor] = []
        for layer in layers {
            outputs.append(pass.run([outputs.last ?? x]) { layer($0[0], $1) })
        }
        if let downsampler { outputs.append(downsampler(outputs.last ?? x)) }
        return outputs
    }

    var children: [(name: String, module: any Module)] {
        numbered("attentions", layers.compactMap(\.transformer)) + numbered("resnets", layers.map(\.residual))
            + (downsampler.map { [("downsamplers.0.conv", $0)] } ?? [])
    }
}

/// The lowest resolution: UNetMidBlock2DCrossAttn.
final class MidBlock: CompositeModule {
    private let first: ResidualBlock
    private let transformer: ImageTransformer
    private let second: ResidualBlock

    init(
        _ source: ParameterSource, _ level: UNetConfiguration.Level, _ configuration: UNetConfiguration
    ) {
        first = ResidualBlock(source / "resnets.0", level.channels, level.channels, configuration)
        transformer = ImageTransformer(source / "attentions.0", level, configuration, isCrossOnly: false)
        second = ResidualBlock(source / "resnets.1", level.channels, level.channels, configuration)
    }

    func callAsFunction(_ x: Tensor, _ pass: UNetPass) -> Tensor {
        pass.run([x]) { [first, transformer, second] x, pass in
            second(transformer(first(x[0], pass), pass), pass)
        }
    }

    var children: [(name: String, module: any Module)] {
        [("attentions.0", transformer), ("resnets.0", first), ("resnets.1", second)]
    }
}

/// The way up through one resolution: UpBlock2D, CrossAttnUpBlock2D.
final class UpBlock: CompositeModule {
    private let layers: [UNetLayer]
    private let upsampler: Conv2d?

    /// - Parameters:
    ///   - inputs: channels of what comes from below.
    ///   - skips: channels of what the way down left, in the order it is taken.
    init(
        _ source: ParameterSource, _ inputs: Int, skips: [Int], _ level: UNetConfiguration.Level,
        _ configuration: UNetConfiguration, isLast: Bool
    ) {
        layers = skips.enumerated().map { index, skip in
            UNetLayer(
                residual: ResidualBlock(
                    source / "resnets.\(index)", (index == 0 ? inputs : level.channels) + skip,
                    level.channels, configuration),
                transformer: !level.hasAttentionUp
                    ? nil
                    : ImageTransformer(
                        source / "attentions.\(index)", level, configuration,
                        isCrossOnly: level.hasCrossAttentionOnly))
        }
        upsampler = isLast ? nil : Conv2d(source / "upsamplers.0.conv", level.channels, level.channels)
    }

    /// - Parameters:
    ///   - skips: what the way down left; the last ones are taken away.
    func callAsFunction(_ x: Tensor, skips: inout [Tensor], _ pass: UNetPass) -> Tensor {
        var h = x
        for layer in layers {
            h = pass.run([h, skips.removeLast()]) { layer(Tensor.concatenated($0, axis: 3), $1) }
        }
        guard let upsampler, let next = skips.last else { return h }
        return pass.run([h]) { x, _ in upsampler(enlarged(x[0], to: next.shape)) }
    }

    var children: [(name: String, module: any Module)] {
        numbered("attentions", layers.compactMap(\.transformer)) + numbered("resnets", layers.map(\.residual))
            + (upsampler.map { [("upsamplers.0.conv", $0)] } ?? [])
    }
}

/// Twice the size, less the row or column that halving an odd size had rounded up.
private func enlarged(_ x: Tensor, to target: Shape) -> Tensor {
    let twice = x.upsampled()
    let rows = twice.shape[1] == target[1] ? twice : twice.slice(0..<target[1], axis: 1)
    return rows.shape[2] == target[2] ? rows : rows.slice(0..<target[2], axis: 2)
}
