import Distributed
import Foundation
import Layers
import TensorCore

/// All that one micro-batch of an update went through.
struct TracedBatch: @unchecked Sendable {
    let range: Range<Int>
    /// K.
    let first: Int
    let start: ImageChain.Start
    let run: ImageChainRun
    /// What the decoder gave, not clamped.
    let images: Tensor
    let scores: [[Double]]
    let gradients: [Tensor]
}

/// What one update computes on all ranks, for replay in another framework (`saddle align --trace`).
final class ImageTrace: @unchecked Sendable {
    private let lock = NSLock()
    private var batches: [TracedBatch] = []

    func add(_ batch: TracedBatch) { lock.withLock { batches.append(batch) } }

    /// The tensors of the trace on rank 0, NCHW and f32; empty elsewhere.
    ///
    /// - Parameters:
    ///   - gradients: of the whole batch, in the order of the adapter's parameters.
    ///   - parameters: as they were.
    func tensors(
        _ problem: ImageAlignmentProblem, multipliers: [Double], gradients: [Tensor],
        parameters: [(name: String, value: Tensor)], over communicator: any Communicator
    ) throws -> [String: Tensor] {
        let batches = lock.withLock { self.batches.sorted { $0.range.lowerBound < $1.range.lowerBound } }
        let steps = problem.chain.steps
        var tensors = try samples(GatheredBatches(batches: batches, communicator: communicator), problem)
        let first = try communicator.allReduce(Int64(batches.first?.first ?? -1), .maximum)
        guard communicator.rank == 0 else { return [:] }
        tensors["truncation_step"] = Tensor([Float(first)], shape: [])
        tensors["timesteps"] = Tensor(steps.map { Float($0.timestep) }, shape: [steps.count])
        tensors["multipliers"] = Tensor(multipliers.map(Float.init), shape: [multipliers.count])
        for (parameter, gradient) in zip(parameters, gradients) {
            tensors["gradient/unet.\(parameter.name)"] = gradient
            tensors["adapter/unet.\(parameter.name)"] = parameter.value
        }
        for (path, factors) in problem.adapter.factors {
            tensors["scale/unet.\(path)"] = Tensor([Float(factors.scale)], shape: [])
        }
        return tensors
    }

    /// What there is one of for each image, in the order of the images.
    private func samples(_ all: GatheredBatches, _ problem: ImageAlignmentProblem) throws -> [String: Tensor]
    {
        let steps = problem.chain.steps
        let latent = Array(problem.chain.pipeline.latentShape(1, problem.size).dimensions.dropFirst())
        let image = [problem.size.height, problem.size.width, 3]
        var tensors: [String: Tensor] = [:]
        tensors["initial_latents"] = try all.values(latent) { $0.start.latents.floats }?.channelsFirst
        tensors["latents"] = try all.values(latent) { $0.run.sample.floats }?.channelsFirst
        tensors["images"] = try all.values(image) { $0.images.floats }?.channelsFirst
        tensors["noise"] = try all.series(steps.count) { step in
            try all.values(latent) { try $0.start.noise(step).floats }?.channelsFirst
        }
        tensors["kl_terms"] = try all.series(steps.count) { step in
            try all.values([]) { batch in
                step < batch.first
                    ? Array(repeating: 0, count: batch.range.count)
                    : batch.run.divergences[step - batch.first].floats
            }
        }
        for (index, constraint) in problem.constraints.enumerated() {
            tensors["reward/\(constraint.name)"] = try all.values([]) { $0.scores[index].map(Float.init) }
        }
        return tensors
    }
}

/// The micro-batches of all ranks, whose order is that of the ranks.
private struct GatheredBatches {
    let batches: [TracedBatch]
    let communicator: any Communicator

    /// A value of every image, `[N] + shape`, on rank 0.
    func values(_ shape: [Int], _ value: (TracedBatch) throws -> [Float]) throws -> Tensor? {
        try communicator.gatherEach(batches.flatMap(value), root: 0).map { parts in
            let all = parts.flatMap { $0 }
            return Tensor(all, shape: Shape([all.count / shape.reduce(1, *)] + shape))
        }
    }

    /// Values of all steps, one behind the other.
    func series(_ count: Int, _ values: (Int) throws -> Tensor?) throws -> Tensor? {
        let all = try (0..<count).compactMap(values)
        return all.isEmpty
            ? nil : Tensor.concatenated(all.map { $0.reshaped([1] + $0.shape.dimensions) })
    }
}
