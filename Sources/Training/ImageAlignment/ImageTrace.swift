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
        func gathered(_ shape: [Int], _ value: (TracedBatch) throws -> [Float]) throws -> Tensor? {
            let parts = try communicator.gatherEach(try batches.flatMap(value), root: 0)
            return parts.map {
                let values = $0.flatMap { $0 }
                return Tensor(values, shape: Shape([values.count / shape.reduce(1, *)] + shape))
            }
        }
        let latentShape = Array(
            problem.chain.pipeline.latentShape(1, problem.size).dimensions.dropFirst())
        let imageShape = [problem.size.height, problem.size.width, 3]
        var tensors: [String: Tensor] = [:]
        tensors["initial_latents"] = try gathered(latentShape) { $0.start.latents.floats }?.channelsFirst
        tensors["latents"] = try gathered(latentShape) { $0.run.sample.floats }?.channelsFirst
        tensors["images"] = try gathered(imageShape) { $0.images.floats }?.channelsFirst
        let noises = try steps.indices.compactMap { step in
            try gathered(latentShape) { try $0.start.noise(step).floats }?.channelsFirst
        }
        if !noises.isEmpty {
            tensors["noise"] = Tensor.concatenated(
                noises.map { $0.reshaped([1] + $0.shape.dimensions) })
        }
        let terms = try steps.indices.compactMap { step in
            try gathered([1]) { batch in
                step < batch.first
                    ? Array(repeating: 0, count: batch.range.count)
                    : batch.run.divergences[step - batch.first].floats
            }
        }
        if !terms.isEmpty {
            tensors["kl_terms"] = Tensor.concatenated(terms.map { $0.reshaped([1, $0.elementCount]) })
        }
        for (index, constraint) in problem.constraints.enumerated() {
            tensors["reward/\(constraint.name)"] =
                try gathered([1]) { $0.scores[index].map(Float.init) }.map { $0.reshaped([$0.elementCount]) }
        }
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
}
