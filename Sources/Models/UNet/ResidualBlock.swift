import Layers
import TensorCore

/// x + conv(silu(norm(conv(silu(norm(x))) + time))): diffusers' ResnetBlock2D.
///
/// - Shapes: x `[N, H, W, I]`, result `[N, H, W, O]`.
final class ResidualBlock: CompositeModule {
    private let firstNorm: GroupNormLayer
    private let firstConvolution: Conv2d
    private let time: AdaptableLinear
    private let secondNorm: GroupNormLayer
    private let secondConvolution: Conv2d
    /// Where input and output differ in width.
    private let shortcut: Conv2d?

    init(_ source: ParameterSource, _ inputs: Int, _ outputs: Int, _ configuration: UNetConfiguration) {
        func norm(_ name: String, _ channels: Int) -> GroupNormLayer {
            GroupNormLayer(
                source / name, channels, groups: configuration.groups, epsilon: configuration.epsilon,
                isFollowedBySiLU: true)
        }
        firstNorm = norm("norm1", inputs)
        firstConvolution = Conv2d(source / "conv1", inputs, outputs)
        time = AdaptableLinear(source / "time_emb_proj", configuration.timeWidth, outputs)
        secondNorm = norm("norm2", outputs)
        secondConvolution = Conv2d(source / "conv2", outputs, outputs)
        shortcut =
            inputs == outputs ? nil : Conv2d(source / "conv_shortcut", inputs, outputs, kernel: 1)
    }

    func callAsFunction(_ x: Tensor, _ pass: UNetPass) -> Tensor {
        let shift = time(pass.time, pass.adapters)
        let h = firstConvolution(
            firstNorm(x), adding: shift.reshaped(shift.shape[0], 1, 1, shift.shape[1]))
        return secondConvolution(secondNorm(h), adding: shortcut.map { $0(x) } ?? x)
    }

    var children: [(name: String, module: any Module)] {
        let always: [(name: String, module: any Module)] = [
            ("norm1", firstNorm), ("conv1", firstConvolution), ("time_emb_proj", time),
            ("norm2", secondNorm), ("conv2", secondConvolution),
        ]
        return always + (shortcut.map { [("conv_shortcut", $0)] } ?? [])
    }
}
