import Diffusion
import Layers
import Models
import TensorCore

/// A UNet under an adapter, together with what its text encoder makes of the texts: a member of a composition, or a
/// model that one is compared with.
struct TextNetwork: Sendable {
    let unet: UNet2DConditionModel
    var adapters = AdapterPass.base
    let prompts: PromptTable
    /// The prompt that it has for all samples (a concept); nil for each sample's own.
    var concept: Int?

    /// What it predicts for the samples' texts, and for no text where that is asked for, from one pass.
    ///
    /// - Parameter texts: the prompt of each sample.
    func outputs(
        _ x: Tensor, _ timesteps: Timesteps, texts: [Int], withUnconditional: Bool
    ) -> NetworkOutputs {
        let network = network(texts)
        guard withUnconditional else {
            return NetworkOutputs(unconditional: nil, conditional: network.conditionalOutput(x, timesteps))
        }
        let (unconditional, conditional) = network.outputs(x, timesteps)
        return NetworkOutputs(unconditional: unconditional, conditional: conditional)
    }

    /// What it predicts for no text.
    func unconditionalOutput(_ x: Tensor, _ timesteps: Timesteps) -> Tensor {
        network(Array(repeating: 0, count: x.shape[0])).unconditionalOutput(x, timesteps)
    }

    /// What it is conditioned on for the samples' texts, `[N, tokens, D]`.
    func embeddings(_ texts: [Int]) -> Tensor {
        prompts.conditional(concept.map { index in texts.map { _ in index } } ?? texts)
    }

    private func network(_ texts: [Int]) -> GuidedNetwork {
        GuidedNetwork(
            unet: unet, unconditional: prompts.unconditional(texts.count), conditional: embeddings(texts),
            guidance: 1, adapters: adapters)
    }
}

/// What a network predicts, `[N, h, w, C]`: ε or v.
struct NetworkOutputs: Sendable {
    /// ε_∅; nil where nothing asks for it.
    let unconditional: Tensor?
    /// ε_i.
    let conditional: Tensor

    /// ε_∅ + g (ε_i − ε_∅).
    func guided(by guidance: Double) -> Tensor {
        guard guidance != 1, let unconditional else { return conditional }
        return guidedNoise(unconditional: unconditional, conditional: conditional, guidance: guidance)
    }
}
