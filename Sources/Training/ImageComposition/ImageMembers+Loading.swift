import Diffusion
import Distributed
import Layers
import Models
import TensorCore

extension ImageCompositionConfiguration {
    /// The members on this rank: its share of them, on the base that every rank has.
    ///
    /// - Throws: `RankLayoutError`; on all ranks what reading a member throws on any, `ImageCompositionError.differs`
    ///   for a model with another autoencoder or schedule.
    func members(
        of base: TextToImagePipeline, texts: [String], _ communicator: any Communicator
    ) throws -> ImageMembers {
        try ImageMembers(
            names: memberNames, layout(ranks: communicator.size), sharesUnconditional: hasConcepts,
            of: communicator
        ) { try networks($0, base, texts) }
    }

    /// The members that rank 0 of a layout would have; sums are of those alone.
    func members(
        of base: TextToImagePipeline, texts: [String], planning layout: RankLayout
    ) throws -> ImageMembers {
        ImageMembers(
            names: memberNames, layout, own: try networks(layout.items(of: 0), base, texts),
            sharesUnconditional: hasConcepts)
    }

    /// How so many ranks share the members.
    ///
    /// - Throws: `RankLayoutError`.
    func layout(ranks: Int) throws -> RankLayout {
        let widest = RankLayout.widestShards(ranks: ranks, items: memberNames.count)
        return try RankLayout(
            ranks: ranks, items: memberNames.count,
            shards: self.ranks.shards ?? (combine == .weight ? 1 : widest))
    }

    private func networks(
        _ range: Range<Int>, _ base: TextToImagePipeline, _ texts: [String]
    ) throws -> [TextNetwork] {
        if range.isEmpty { return [] }
        if let adapters {
            return try adapters[range].map { member in
                try base.network(
                    for: texts, negative: sampling.negativePrompt,
                    PipelineAdapters([AdapterReference(path: member.file)], for: base))
            }
        }
        if let models { return try models[range].map { try network(of: $0, like: base, texts) } }
        let table = PromptTable(texts, negative: sampling.negativePrompt, base)
        return range.map { TextNetwork(unet: base.unet, prompts: table, concept: $0) }
    }

    private func network(
        of member: MemberModelConfiguration, like base: TextToImagePipeline, _ texts: [String]
    ) throws -> TextNetwork {
        try base.member(at: member.model, as: weightType)
            .network(for: texts, negative: sampling.negativePrompt)
    }

    /// The type that weights are held in.
    var weightType: DType { dtype == .bf16 ? .bfloat16 : .float32 }
}

extension TextToImagePipeline {
    /// The network for given texts under adapters.
    func network(
        for texts: [String], negative: String,
        _ adapters: PipelineAdapters = PipelineAdapters([], weights: [])
    ) -> TextNetwork {
        TextNetwork(
            unet: unet, adapters: adapters.unet,
            prompts: PromptTable(texts, negative: negative, self, adapters: adapters.textEncoder))
    }

    /// A pipeline that can be composed with this one.
    ///
    /// - Throws: what reading it throws; `ImageCompositionError.differs` for another autoencoder or schedule.
    func member(at path: String, as dtype: DType) throws -> TextToImagePipeline {
        let pipeline = try TextToImagePipeline(directory: path, as: dtype)
        if let reason = pipeline.differenceInLatents(from: self) {
            throw ImageCompositionError.differs(path: path, reason: reason)
        }
        return pipeline
    }

    /// Why latents of this model are others than those of the base; nil where they are the same.
    ///
    /// Products are of densities over the same latents: autoencoder and noise schedule must be equal.
    fileprivate func differenceInLatents(from base: TextToImagePipeline) -> String? {
        let (own, other) = (autoencoder.configuration, base.autoencoder.configuration)
        if own.latentChannels != other.latentChannels {
            return "its latents have \(own.latentChannels) channels, the base's \(other.latentChannels)"
        }
        if own.scalingFactor != other.scalingFactor {
            return
                "its autoencoder scales latents by \(own.scalingFactor), the base's by \(other.scalingFactor)"
        }
        if own != other { return "its autoencoder has another structure than the base's" }
        let pairs = zip(autoencoder.namedParameters, base.autoencoder.namedParameters)
        if let pair = pairs.first(where: { $0.parameter.value.floats != $1.parameter.value.floats }) {
            return "its autoencoder has other weights than the base's, \(pair.0.name) for one"
        }
        return scheduler.differenceInNoise(from: base.scheduler).map {
            "its noise schedule is another one than the base's: \($0) (scheduler/scheduler_config.json)"
        }
    }
}

extension ImageProduct {
    /// The product as a configuration describes it.
    ///
    /// - Throws: `DiffusionError`, and what reading adapters throws for weight space.
    init(
        _ configuration: ImageCompositionConfiguration, _ base: TextToImagePipeline, _ members: ImageMembers,
        texts: [String]
    ) throws {
        let (sampling, divergence) = (configuration.sampling, configuration.divergence)
        let schedule = try base.scheduler.schedule()
        self.init(
            members: members, schedule: schedule, prediction: base.scheduler.prediction,
            steps: try base.scheduler.steps(count: sampling.steps, eta: sampling.eta),
            guidance: sampling.guidance, divergenceGuidance: configuration.divergenceGuidance,
            isGuided: configuration.isGuided,
            quadrature: try divergence.quadrature(schedule, base, latents: sampling),
            stride: divergence.stride, populations: configuration.hasConcepts ? 1 : texts.count,
            weighted: try configuration.weightedNetwork(base, texts))
    }
}

extension ImageCompositionConfiguration {
    /// λ ↦ the network of weights W + Σ λ_i ΔW_i; nil in score space.
    fileprivate func weightedNetwork(
        _ base: TextToImagePipeline, _ texts: [String]
    ) throws -> (@Sendable ([Double]) -> TextNetwork)? {
        guard combine == .weight, let files = adapters?.map(\.file) else { return nil }
        let adapters = try files.map { try PipelineAdapter(path: $0, for: base) }
        let negative = sampling.negativePrompt
        guard adapters.contains(where: { $0.textEncoder != nil }) else {
            let plain = base.network(for: texts, negative: negative)
            return { multipliers in
                var network = plain
                network.adapters = PipelineAdapters(adapters, weights: multipliers).unet
                return network
            }
        }
        return { multipliers in
            base.network(
                for: texts, negative: negative, PipelineAdapters(adapters, weights: multipliers))
        }
    }
}

extension ImageDivergenceConfiguration {
    /// Nodes and weights of the sum over noise levels.
    fileprivate func quadrature(
        _ schedule: NoiseSchedule, _ base: TextToImagePipeline, latents sampling: ImageSamplingConfiguration
    ) throws -> LogNoiseQuadrature {
        guard steps <= schedule.trainSteps else {
            throw ImageCompositionError.levels(steps, timesteps: schedule.trainSteps)
        }
        switch weights {
        case .exact:
            return try LogNoiseQuadrature(
                schedule, timesteps: schedule.timestepsEvenInLogNoise(count: steps).reversed())
        case .uniform:
            let elements = try base.latentShape(1, sampling.imageSize(base)).elementCount
            return LogNoiseQuadrature(
                schedule, timesteps: try base.scheduler.timesteps(count: steps).reversed(),
                equalWeight: 1 / Double(elements))
        }
    }
}
