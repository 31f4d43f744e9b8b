import Diffusion
import Layers
import Models
import TensorCore

/// The UNet under classifier-free guidance for given texts: a function of (x, t).
///
/// The output is what the UNet predicts, ε or v; guidance is linear in it either way (Ho & Salimans 2022, eq. 6).
public struct GuidedNetwork: Sendable {
    let unet: UNet2DConditionModel
    /// Embeddings of the negative prompt (or of no text) and of the prompts, each `[N, tokens, D]`.
    public let unconditional: Tensor
    public let conditional: Tensor
    /// g in ε_∅ + g (ε_c − ε_∅); 1 leaves out ε_∅.
    public let guidance: Double
    public var adapters = AdapterPass.base
    /// Whether layers keep their inputs only for a backward pass.
    public var isSegmented = false

    /// - Shapes: x and result `[N, h, w, C]`.
    public func callAsFunction(_ x: Tensor, _ timesteps: Timesteps) -> Tensor {
        guard guidance != 1 else { return output(x, timesteps, conditional) }
        let (unconditional, conditional) = outputs(x, timesteps)
        return guidedNoise(unconditional: unconditional, conditional: conditional, guidance: guidance)
    }

    /// Both outputs, from one pass over 2 N rows.
    func outputs(_ x: Tensor, _ timesteps: Timesteps) -> (unconditional: Tensor, conditional: Tensor) {
        let both = output(
            Tensor.concatenated([x, x]), timesteps.repeated,
            Tensor.concatenated([unconditional, conditional]))
        let rows = x.shape[0]
        return (both.slice(0..<rows), both.slice(rows..<2 * rows))
    }

    /// With the prompts alone, and with the negative prompt alone.
    func conditionalOutput(_ x: Tensor, _ timesteps: Timesteps) -> Tensor {
        output(x, timesteps, conditional)
    }

    func unconditionalOutput(_ x: Tensor, _ timesteps: Timesteps) -> Tensor {
        output(x, timesteps, unconditional)
    }

    private func output(_ x: Tensor, _ timesteps: Timesteps, _ context: Tensor) -> Tensor {
        unet(
            x, timesteps: timesteps.values, context: context, adapters: adapters, isSegmented: isSegmented)
    }
}

extension TextToImagePipeline {
    /// The network for given texts, whose embeddings have one row for each sample.
    public func network(
        conditional: Tensor, unconditional: Tensor, guidance: Double, adapters: AdapterPass = .base,
        isSegmented: Bool = false
    ) -> GuidedNetwork {
        GuidedNetwork(
            unet: unet, unconditional: unconditional, conditional: conditional, guidance: guidance,
            adapters: adapters, isSegmented: isSegmented)
    }
}

extension Timesteps {
    /// As the UNet takes them: one for all rows, or one each.
    fileprivate var values: [Double] {
        switch self {
        case .all(let timestep): [Double(timestep)]
        case .each(let timesteps): timesteps.map(Double.init)
        }
    }

    /// Of a batch that stands twice.
    fileprivate var repeated: Timesteps {
        switch self {
        case .all: self
        case .each(let timesteps): .each(timesteps + timesteps)
        }
    }
}
