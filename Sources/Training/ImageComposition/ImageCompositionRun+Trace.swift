import Diffusion
import Distributed
import Foundation
import TensorCore
import WeightFiles

extension ImageCompositionRun {
    /// Writes what the next iteration computes, NCHW and f32, for replay in another framework; it changes nothing.
    ///
    /// With `training.draws: common` all iterations have these random numbers.
    func writeTrace(to path: String) throws {
        let count = configuration.memberNames.count
        let initial = configuration.dual.initial ?? Array(repeating: 1 / Double(count), count: count)
        let multipliers = try session.resumed.map { try $0.doubles("dual/multipliers") } ?? initial
        let tensors = try problem.trace(multipliers: multipliers)
        let prompts = (0..<configuration.training.samples).map { problem.prompts[$0 % problem.prompts.count] }
        try session.communicator.failTogether(exitCode: exitCode(for:)) {
            guard session.isRoot else { return }
            let metadata = ["prompts": String(decoding: try prompts.sortedJSON(), as: UTF8.self)]
            try SafetensorsFile.write(tensors, metadata: metadata, to: path)
        }
    }
}

extension ImageCompositionProblem {
    /// The tensors of an iteration at the given multipliers, on rank 0.
    fileprivate func trace(multipliers: [Double]) throws -> [String: Tensor] {
        let population = trainingPopulation
        let samples = configuration.training.samples
        let measured = try measure(.product(multipliers), on: population, 0..<samples)
        let latents = try self.samples(.product(multipliers), on: population, count: samples)
        var tensors = try firstNoises(multipliers, on: population)
        let start = start(0..<samples, population)
        let quadrature = product.quadrature
        let nodes = quadrature.nodes
        tensors["initial_latents"] = start.latents.channelsFirst
        tensors["noise"] = try stacked(product.steps.indices.map { try start.noise($0) })
        tensors["latents"] = latents.channelsFirst
        tensors["divergence_noise"] = stacked(
            (0..<quadrature.passes(stride: product.stride)).map {
                start.divergenceNoise.normal($0, like: start.latents)
            })
        tensors["timesteps"] = vector(product.steps.map { Double($0.timestep) })
        tensors["divergence_timesteps"] = vector(nodes.map { Double($0.timestep) })
        tensors["divergence_weights"] = vector(nodes.map { $0.weight + $0.tail })
        tensors["multipliers"] = vector(multipliers)
        for (name, values) in zip(product.members.names, measured.divergences) {
            tensors["divergence/\(name)"] = vector(values)
        }
        return tensors
    }

    /// ε_i of every member and Σ λ_i ε_i under the sampler's guidance, at x_T.
    private func firstNoises(
        _ multipliers: [Double], on population: CompositionPopulation
    ) throws -> [String: Tensor] {
        let members = product.members
        let samples = configuration.training.samples
        let batches = MicroBatches(samples: samples, size: configuration.training.microBatch)
        let noises = try members.communicator.failTogether(exitCode: exitCode(for:)) {
            try batches.map(on: members.communicator, shards: members.layout.shards) { range in
                try self.product.firstNoises(multipliers, self.start(range, population))
            }
        }
        var tensors: [String: Tensor] = [:]
        let shape = pipeline.latentShape(samples, size)
        for (index, name) in (members.names.map { "epsilon/\($0)" } + ["epsilon"]).enumerated() {
            let isOwn = index < members.names.count ? members.owned.contains(index) : members.isSpeaker
            let own = isOwn ? noises.flatMap { $0[index]?.floats ?? [] } : []
            guard let all = try members.communicator.gatherEach(own, root: 0) else { continue }
            tensors[name] = Tensor(all.flatMap { $0 }, shape: shape).channelsFirst
        }
        return tensors
    }

    private func stacked(_ tensors: [Tensor]) -> Tensor {
        Tensor.concatenated(tensors.map { $0.channelsFirst }.map { $0.reshaped([1] + $0.shape.dimensions) })
    }

    private func vector(_ values: [Double]) -> Tensor {
        Tensor(values.map(Float.init), shape: [values.count])
    }
}
