import Diffusion
import Layers
import Models
import TensorCore

/// The reverse chain of a text-to-image model under an adapter, and its adjoint.
///
/// Steps before K run without a graph (truncated back-propagation). Every step from K on has a graph of its own,
/// from its state to the next; the adjoint walks them from the last to the first, so that what a step keeps is
/// gone before the one before it is touched.
struct ImageChain: Sendable {
    let pipeline: TextToImagePipeline
    let schedule: NoiseSchedule
    var steps: [DDIMStep]
    let guidance: Double
    let weights: PathwiseWeights
    /// Whether the divergence is differentiated through the states too, in both models.
    let isThroughStates: Bool
    var memory: ChainMemory

    /// What determines the chains of one micro-batch.
    struct Start {
        /// x_T, `[N, h, w, C]`.
        let latents: Tensor
        let noise: NoiseSource
        /// Embeddings of the prompts and of the negative prompt, `[N, tokens, D]`.
        let conditional: Tensor
        let unconditional: Tensor
    }

    /// Runs chains of the base model and returns their ends.
    func baseSample(_ start: Start) throws -> Tensor { try sample(start, .base) }

    /// Runs chains under an adapter, differentiable from step `first` on.
    func run(_ start: Start, _ adapter: LoRAAdapter, from first: Int) throws -> ImageChainRun {
        var x = start.latents.detached
        var graphs: [StepGraph?] = []
        var states: [Tensor] = []
        for index in steps.indices {
            if index >= first { states.append(x) }
            if index >= first, memory == .activations {
                let graph = try graph(index, x, start, adapter)
                graphs.append(graph)
                x = graph.next.detached
            } else {
                if index >= first { graphs.append(nil) }
                x = try withoutRecording {
                    try advanced(x, index, start, prediction(x, index, start, pass(adapter, at: index)))
                }
            }
        }
        return ImageChainRun(
            chain: self, start: start, adapter: adapter, first: first, sample: x, states: states,
            graphs: graphs)
    }

    /// The ends of chains under an adapter, and the divergence of each from the base, summed over all steps.
    ///
    /// - Returns: samples `[N, h, w, C]` and divergences `[N]`.
    func measured(_ start: Start, _ adapter: LoRAAdapter) throws -> (sample: Tensor, divergences: Tensor) {
        try withoutRecording {
            var x = start.latents
            var total = Tensor.zeros([x.shape[0]])
            for index in steps.indices {
                let noise = try prediction(x, index, start, pass(adapter, at: index))
                let base = try prediction(x, index, start, .base)
                total = total + pathwiseTerms(noise.noise, base.noise, step: steps[index], weights: weights)
                x = try advanced(x, index, start, noise)
            }
            return (x, total)
        }
    }

    private func sample(_ start: Start, _ adapters: AdapterPass) throws -> Tensor {
        try withoutRecording {
            try steps.indices.reduce(start.latents) { x, index in
                try advanced(x, index, start, prediction(x, index, start, adapters))
            }
        }
    }

    /// The chain's first steps alone.
    func beginning(steps count: Int, keeping memory: ChainMemory) -> ImageChain {
        var chain = self
        chain.steps = Array(steps.prefix(count))
        chain.memory = memory
        return chain
    }

    /// Where a step adds no noise the exact divergence of two models is infinite: there the base takes it.
    private func pass(_ adapter: LoRAAdapter, at index: Int) -> AdapterPass {
        weights == .exact && steps[index].isDeterministic ? .base : .adapter(adapter)
    }

    private func prediction(
        _ x: Tensor, _ index: Int, _ start: Start, _ adapters: AdapterPass, isSegmented: Bool = false
    ) throws -> Denoised {
        let network = pipeline.network(
            conditional: start.conditional, unconditional: start.unconditional, guidance: guidance,
            adapters: adapters, isSegmented: isSegmented)
        let timestep = Timesteps.all(steps[index].timestep)
        return try schedule.denoised(
            network(x, timestep), from: x, at: timestep, as: pipeline.scheduler.prediction)
    }

    private func advanced(_ x: Tensor, _ index: Int, _ start: Start, _ denoised: Denoised) throws -> Tensor {
        let step = steps[index]
        return step.advanced(denoised, noise: step.isDeterministic ? nil : try start.noise(index))
    }

    /// Step `index` from state x with its graph.
    fileprivate func graph(
        _ index: Int, _ x: Tensor, _ start: Start, _ adapter: LoRAAdapter
    ) throws -> StepGraph {
        let state = x.detached.tracked()
        let isSegmented = memory == .layers
        let denoised = try prediction(state, index, start, pass(adapter, at: index), isSegmented: isSegmented)
        let base =
            isThroughStates
            ? try prediction(state, index, start, .base, isSegmented: isSegmented)
            : try withoutRecording { try prediction(state.detached, index, start, .base) }
        return StepGraph(
            state: state, next: try advanced(state, index, start, denoised),
            divergences: pathwiseTerms(denoised.noise, base.noise, step: steps[index], weights: weights))
    }
}

/// One recorded step.
private struct StepGraph {
    /// A leaf.
    let state: Tensor
    let next: Tensor
    /// Of each sample from the base, `[N]`.
    let divergences: Tensor
}

/// Chains that have run, for one walk backwards.
final class ImageChainRun {
    /// x_0, `[N, h, w, C]`, outside any graph.
    let sample: Tensor
    /// Terms of the divergence, `[N]` each, of the steps from K on; empty before `gradients`.
    private(set) var divergences: [Tensor] = []
    /// States before the steps from K on.
    let states: [Tensor]
    private let chain: ImageChain
    private let start: ImageChain.Start
    private let adapter: LoRAAdapter
    private let first: Int
    private var graphs: [StepGraph?]

    fileprivate init(
        chain: ImageChain, start: ImageChain.Start, adapter: LoRAAdapter, first: Int, sample: Tensor,
        states: [Tensor], graphs: [StepGraph?]
    ) {
        self.chain = chain
        self.start = start
        self.adapter = adapter
        self.first = first
        self.sample = sample
        self.states = states
        self.graphs = graphs
    }

    /// ∂/∂θ of ⟨seed, x_0⟩ + weight · Σ divergences, in the order of the adapter's parameters.
    ///
    /// The divergence counts at fixed states, unless the chain is asked to go through them: its gradient then never
    /// joins the one that travels from state to state.
    func gradients(seed: Tensor, divergenceWeight weight: Double) throws -> [Tensor] {
        let parameters = adapter.parameters
        let sums = parameters.map { Tensor.zeros($0.shape) }
        var terms: [Tensor] = []
        var seed = seed
        for place in states.indices.reversed() {
            let graph =
                try graphs[place] ?? chain.graph(first + place, states[place], start, adapter)
            graphs[place] = nil
            terms.append(graph.divergences.detached)
            let reward = (output: graph.next, seed: seed)
            let divergence = (
                output: graph.divergences, seed: Tensor.ones(graph.divergences.shape) * weight
            )
            let passes: [Gradients]
            if chain.isThroughStates || place == 0 {
                passes = [TensorCore.gradients(of: [reward, divergence])]
            } else {
                passes = [
                    TensorCore.gradients(of: [reward], retainingGraph: true),
                    TensorCore.gradients(of: [divergence]),
                ]
            }
            for pass in passes {
                for (sum, parameter) in zip(sums, parameters) {
                    guard let gradient = pass[parameter.value] else { continue }
                    sum.backend.accumulate(gradient, scale: 1, onto: sum, scale: 1)
                }
            }
            if place > 0, let next = passes[0][graph.state] { seed = next }
        }
        divergences = terms.reversed()
        return sums
    }
}

extension ChainMemory {
    /// What the decoder keeps beside.
    var ofDecoder: DecoderMemory {
        switch self {
        case .activations: .activations
        case .steps: .stages
        case .layers: .latents
        }
    }
}
