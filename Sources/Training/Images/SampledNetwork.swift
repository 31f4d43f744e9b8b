import Diffusion
import Distributed
import Layers
import TensorCore

/// What predicts the noise of a request's images: one network under the sum of its adapters, or several whose
/// predictions are averaged.
struct SampledNetwork {
    private let members: ImageMembers
    private let weights: [Double]

    /// - Throws: what reading adapters and models throws.
    init(_ request: ImageRequest, _ pipeline: TextToImagePipeline) throws {
        let weighted = try Self.networks(request, pipeline)
        weights = weighted.map(\.weight)
        members = ImageMembers(
            names: weights.indices.map(String.init),
            try RankLayout(ranks: 1, items: weighted.count, shards: 1), own: weighted.map(\.network),
            sharesUnconditional: !request.concepts.isEmpty)
    }

    private static func networks(
        _ request: ImageRequest, _ pipeline: TextToImagePipeline
    ) throws -> [(network: TextNetwork, weight: Double)] {
        let (prompts, negative) = (request.prompts, request.negativePrompt)
        if !request.models.isEmpty {
            return try request.models.map { model in
                let member = try pipeline.member(at: model.path, as: request.dtype)
                return (member.network(for: prompts, negative: negative), model.weight)
            }
        }
        if request.concepts.isEmpty, request.combine == .score, !request.adapters.isEmpty {
            return try request.adapters.map { adapter in
                let alone = try PipelineAdapters([AdapterReference(path: adapter.path)], for: pipeline)
                return (pipeline.network(for: prompts, negative: negative, alone), adapter.weight)
            }
        }
        let adapters = try PipelineAdapters(request.adapters, for: pipeline)
        guard !request.concepts.isEmpty else {
            return [(pipeline.network(for: prompts, negative: negative, adapters), 1)]
        }
        let network = pipeline.network(for: request.concepts.map(\.text), negative: negative, adapters)
        return request.concepts.enumerated().map { index, concept in
            var member = network
            member.concept = index
            return (member, concept.weight)
        }
    }

    /// Σ w_i ε_i for the texts of samples, and for no text.
    func outputs(
        _ x: Tensor, _ timesteps: Timesteps, texts: [Int], withUnconditional: Bool
    ) throws -> NetworkOutputs {
        let outputs = members.outputs(
            x, timesteps, texts: texts, withUnconditional: withUnconditional
        ) { weights[$0] != 0 }
        if weights.count == 1, let only = outputs[0] { return only }
        let conditional = try members.combined(
            outputs, multipliers: weights, shape: x.shape, ("conditional", { $0.conditional }))[0]
        guard withUnconditional else {
            return NetworkOutputs(unconditional: nil, conditional: conditional)
        }
        let unconditional = try members.combined(
            outputs, multipliers: weights, shape: x.shape,
            ("unconditional", { $0.unconditional ?? $0.conditional }))[0]
        return NetworkOutputs(unconditional: unconditional, conditional: conditional)
    }

    /// Text embeddings of samples, `[N, tokens, D]`; of the first member where there are several.
    func embeddings(_ texts: [Int]) -> Tensor {
        members.own[0].embeddings(texts)
    }
}
