import Diffusion
import Layers
import Models
import TensorCore

/// What samples are drawn from, and what the members are compared with.
enum ComposedModel: Sendable {
    /// The product Π q_i^{λ_i} by its surrogate score.
    case product([Double])
    /// A single network, the same on all ranks.
    case network(TextNetwork)
}

/// What determines the chains and divergences of one micro-batch.
struct CompositionStart {
    /// x_T, `[N, h, w, C]`.
    let latents: Tensor
    let noise: NoiseSource
    /// The prompt of each sample.
    let texts: [Int]
    /// The noise that divergences are measured at.
    let divergenceNoise: SampleNoise
}

/// The product of text-to-image models by the surrogate score (Algorithm 3): its samples, and KLs to its members.
///
/// Score space: ε_p = Σ λ_i ε_i [88]; weight space: ε_p is one network's, with weights W + Σ λ_i ΔW_i. Under guidance
/// ε_i stands for ε_∅ + g (ε_i − ε_∅); concepts of one model share ε_∅, and then Σ λ_i = 1 makes this
/// ε_∅ + g Σ λ_i (ε_i − ε_∅) (Liu et al. 2022).
struct ImageProduct: Sendable {
    let members: ImageMembers
    let schedule: NoiseSchedule
    let prediction: Prediction
    let steps: [DDIMStep]
    /// g of sampling and of the divergences.
    let guidance: Double
    let divergenceGuidance: Double
    /// Whether members are compared under guidance, or as ε_i alone.
    let isGuided: Bool
    let quadrature: LogNoiseQuadrature
    let stride: Int
    /// Prompts, between which samples take turns.
    let populations: Int
    /// The network of weights W + Σ λ_i ΔW_i; nil in score space.
    let weighted: (@Sendable ([Double]) -> TextNetwork)?

    // MARK: Samples

    /// The ends of DDIM chains.
    func sample(_ model: ComposedModel, _ start: CompositionStart) throws -> Tensor {
        try withoutRecording {
            let model = prepared(model)
            return try ddimSample(
                from: start.latents, schedule: schedule, steps: steps, prediction: prediction,
                network: { x, timesteps in
                    try self.output(of: model, x, timesteps, start.texts, guidance: guidance).guided
                }, noise: start.noise)
        }
    }

    // MARK: Divergences

    /// KL(p‖q_i) of each sample to this rank's members and to another network, by Lemma 2 at noised samples.
    ///
    /// The m passes at a noise level give both Σ λ_i ε_i and every ε_i.
    ///
    /// - Parameters:
    ///   - samples: x_0 of p.
    ///   - other: one more network to compare with, always under guidance.
    /// - Returns: one number a sample for each member of this rank, and for `other`.
    func divergences(
        of samples: Tensor, _ model: ComposedModel, _ start: CompositionStart, other: TextNetwork? = nil
    ) throws -> [[Double]] {
        let model = prepared(model)
        let guidance = divergenceGuidance
        return try quadrature.divergences(
            of: samples, noise: start.divergenceNoise, stride: stride, populations: populations
        ) { x, timesteps in
            let (p, members) = try self.output(
                of: model, x, timesteps, start.texts, guidance: guidance, withMembers: true)
            let noise = { schedule.noise($0, from: x, at: timesteps, as: prediction.type) }
            let another = other.map {
                $0.outputs(x, timesteps, texts: start.texts, withUnconditional: guidance != 1)
                    .guided(by: guidance)
            }
            let compared = members.map { isGuided ? $0.guided(by: guidance) : $0.conditional }
            return (noise(p), (compared + (another.map { [$0] } ?? [])).map(noise))
        }
    }

    /// Σ λ_i ε_i without and with text, what one network would have to predict instead.
    func targets(
        _ multipliers: [Double], _ x: Tensor, _ timesteps: Timesteps, _ texts: [Int]
    ) throws -> (unconditional: Tensor, conditional: Tensor) {
        try withoutRecording {
            if let weighted {
                let outputs = weighted(multipliers).outputs(
                    x, timesteps, texts: texts, withUnconditional: true)
                return (outputs.unconditional ?? outputs.conditional, outputs.conditional)
            }
            let outputs = members.outputs(x, timesteps, texts: texts, withUnconditional: true) {
                multipliers[$0] != 0
            }
            let sums = try members.combined(
                outputs, multipliers: multipliers, shape: x.shape,
                ("unconditional", { $0.unconditional ?? $0.conditional }), ("conditional", { $0.conditional })
            )
            return (sums[0], sums[1])
        }
    }

    /// ε_i of this rank's members by index, and ε_p as one more, under the sampler's guidance at x_T.
    func firstNoises(_ multipliers: [Double], _ start: CompositionStart) throws -> [Int: Tensor] {
        try withoutRecording {
            let timesteps = Timesteps.all(steps[0].timestep)
            let (p, members) = try output(
                of: prepared(.product(multipliers)), start.latents, timesteps, start.texts,
                guidance: guidance,
                withMembers: true)
            let noise = { schedule.noise($0, from: start.latents, at: timesteps, as: prediction.type) }
            var noises = [self.members.names.count: noise(p)]
            for (index, outputs) in zip(self.members.owned, members) {
                noises[index] = noise(outputs.guided(by: guidance))
            }
            return noises
        }
    }

    // MARK: Networks

    /// In weight space a product is a network.
    private func prepared(_ model: ComposedModel) -> ComposedModel {
        guard case .product(let multipliers) = model, let weighted else { return model }
        return .network(weighted(multipliers))
    }

    /// ε_p under guidance, and what this rank's members predict where it is asked for.
    private func output(
        of model: ComposedModel, _ x: Tensor, _ timesteps: Timesteps, _ texts: [Int], guidance: Double,
        withMembers: Bool = false
    ) throws -> (guided: Tensor, members: [NetworkOutputs]) {
        let withUnconditional = guidance != 1
        let outputs = members.outputs(x, timesteps, texts: texts, withUnconditional: withUnconditional) {
            withMembers || model.needs($0)
        }
        let ordered = outputs.sorted { $0.key < $1.key }.map(\.value)
        switch model {
        case .network(let network):
            let own = network.outputs(x, timesteps, texts: texts, withUnconditional: withUnconditional)
            return (own.guided(by: guidance), ordered)
        case .product(let multipliers):
            let sums = try members.combined(
                outputs, multipliers: multipliers, shape: x.shape, ("noise", { $0.guided(by: guidance) }))
            return (sums[0], ordered)
        }
    }
}

extension ComposedModel {
    /// Whether it takes a member's prediction to sample from it.
    fileprivate func needs(_ member: Int) -> Bool {
        guard case .product(let multipliers) = self else { return false }
        return multipliers[member] != 0
    }
}
