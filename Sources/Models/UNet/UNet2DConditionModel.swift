import Layers
import TensorCore
import WeightFiles

/// The noise predictor ε(x_t, t, text) of Stable Diffusion 1 and 2 (Rombach et al. 2022), frozen, with LoRA adapters
/// beside it.
///
/// Names of parameters are those of diffusers' UNet2DConditionModel.
public final class UNet2DConditionModel: CompositeModule {
    public let configuration: UNetConfiguration
    private let time: TimeEmbedding
    private let input: Conv2d
    private let down: [DownBlock]
    private let mid: MidBlock?
    private let up: [UpBlock]
    private let norm: GroupNormLayer
    private let output: Conv2d

    public init(_ source: ParameterSource, _ configuration: UNetConfiguration) {
        self.configuration = configuration
        let levels = configuration.levels
        time = TimeEmbedding(source / "time_embedding", configuration)
        input = Conv2d(
            source / "conv_in", configuration.inChannels, levels[0].channels,
            kernel: configuration.inputKernel)
        down = levels.enumerated().map { index, level in
            DownBlock(
                source / "down_blocks.\(index)", levels[max(index - 1, 0)].channels, level, configuration,
                isLast: index == levels.count - 1)
        }
        mid =
            configuration.hasMidBlock
            ? levels.last.map { MidBlock(source / "mid_block", $0, configuration) } : nil
        var skips = configuration.skipChannels
        up = levels.indices.reversed().enumerated().map { place, index in
            let taken = Array(skips.suffix(levels[index].layers + 1).reversed())
            skips.removeLast(taken.count)
            return UpBlock(
                source / "up_blocks.\(place)", levels[min(index + 1, levels.count - 1)].channels,
                skips: taken, levels[index], configuration, isLast: index == 0)
        }
        norm = GroupNormLayer(
            source / "conv_norm_out", levels[0].channels, groups: configuration.groups,
            epsilon: configuration.epsilon, isFollowedBySiLU: true)
        output = Conv2d(
            source / "conv_out", levels[0].channels, configuration.outChannels,
            kernel: configuration.outputKernel)
    }

    /// Reads `config.json` and the weights of a diffusers directory.
    ///
    /// - Parameter dtype: the type to hold weights in; nil keeps the stored one. Activations have the type of the
    ///   latents.
    /// - Throws: `ModelFilesError`.
    public static func load(
        _ component: ComponentDirectory, variant: String? = nil, as dtype: DType? = .float32
    ) throws -> UNet2DConditionModel {
        let configuration = try UNetConfiguration(component)
        return try component.weights(variant: variant).model(as: dtype) {
            UNet2DConditionModel($0, configuration)
        }
    }

    /// ε(x_t, t, text).
    ///
    /// - Parameters:
    ///   - timesteps: one for each row, or one for all.
    ///   - context: text embeddings.
    ///   - isSegmented: keeps the inputs of layers only, and computes the rest again in the backward pass.
    /// - Shapes: latents `[N, H, W, C]` of any height and width, context `[N, T, D]`, result `[N, H, W, C]`.
    public func callAsFunction(
        _ latents: Tensor, timesteps: [Double], context: Tensor, adapters: AdapterPass = .base,
        isSegmented: Bool = false
    ) -> Tensor {
        check(latents, timesteps, context)
        let pass = UNetPass(
            time: embedded(timesteps, latents, adapters).silu(), context: context.cast(to: latents.dtype),
            adapters: adapters, isSegmented: isSegmented)
        var h = input(configuration.centersInput ? latents.affine(scale: 2, shift: -1) : latents)
        var skips = [h]
        for block in down {
            let outputs = block(h, pass)
            h = outputs.last ?? h
            skips += outputs
        }
        h = mid.map { $0(h, pass) } ?? h
        for block in up { h = block(h, skips: &skips, pass) }
        return output(norm(h))
    }

    /// The time embedding of every row, or one for all rows where groups of rows do not differ in it.
    private func embedded(_ timesteps: [Double], _ latents: Tensor, _ adapters: AdapterPass) -> Tensor {
        let isShared = timesteps.count == 1 && adapters.groupCount == 1
        let rows =
            isShared || timesteps.count > 1
            ? timesteps : Array(repeating: timesteps[0], count: latents.shape[0])
        return time(rows, dtype: latents.dtype, adapters)
    }

    private func check(_ latents: Tensor, _ timesteps: [Double], _ context: Tensor) {
        precondition(
            latents.shape.rank == 4 && latents.shape.last == configuration.inChannels,
            "UNet: needs latents [N, H, W, \(configuration.inChannels)], got \(latents.shape)")
        precondition(
            context.shape.rank == 3 && context.shape[0] == latents.shape[0],
            "UNet: text embeddings \(context.shape) do not fit latents \(latents.shape)")
        precondition(
            timesteps.count == 1 || timesteps.count == latents.shape[0],
            "UNet: \(timesteps.count) time steps for \(latents.shape[0]) rows")
    }

    public var children: [(name: String, module: any Module)] {
        [("conv_in", input), ("time_embedding", time)] + numbered("down_blocks", down)
            + numbered("up_blocks", up) + (mid.map { [("mid_block", $0)] } ?? [])
            + [("conv_norm_out", norm), ("conv_out", output)]
    }
}

extension UNetConfiguration {
    /// Channels of what the way down leaves for the way up: the input's, each layer's, each downsampler's.
    fileprivate var skipChannels: [Int] {
        levels[0...0].map(\.channels)
            + levels.enumerated().flatMap { index, level in
                let outputs = level.layers + (index < levels.count - 1 ? 1 : 0)
                return Array(repeating: level.channels, count: outputs)
            }
    }
}
