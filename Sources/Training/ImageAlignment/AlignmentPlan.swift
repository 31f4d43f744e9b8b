import Distributed
import Foundation
import Layers
import TensorCore

/// What `saddle align --dry-run` says of a text-to-image alignment: who does what, and what it takes.
///
/// It loads the model and the rewards of rank 0 and measures one image at every level of `training.memory`.
struct AlignmentPlan {
    let configuration: ImageAlignmentConfiguration
    let ranks: Int
    let threads: Int

    func text() throws -> String {
        let layout = try RankLayout(
            ranks: ranks, items: configuration.rewards.count, shards: configuration.ranks.shards)
        let pipeline = try TextToImagePipeline(
            directory: configuration.model, as: configuration.dtype == .bf16 ? .bfloat16 : .float32)
        let prompts = PromptTable(
            Array(try configuration.prompts.texts().prefix(1)),
            negative: configuration.sampling.negativePrompt, pipeline)
        let problem = ImageAlignmentProblem(
            chain: try ImageChain(configuration, pipeline),
            adapter: try LoRAAdapter(configuration, pipeline),
            exchange: try RewardExchange(configuration.rewards, planning: layout), prompts: prompts,
            size: try configuration.sampling.imageSize(pipeline), configuration, SingleCommunicator())
        // No level fits a budget of nothing: all are measured.
        let plan = try problem.memoryPlan(.auto, threads: threads) { _ in 0 }
        return (layoutLines(layout) + memoryLines(plan, problem)).joined(separator: "\n")
    }

    private func layoutLines(_ layout: RankLayout) -> [String] {
        let count = configuration.training.batch / configuration.training.microBatch
        let names = configuration.rewards.map(\.name)
        return [
            "an update: \(configuration.training.batch) images in \(count) micro-batches, "
                + "\(ranks) ranks of \(threads) threads"
        ]
            + (0..<ranks).map { rank in
                let own = layout.ownMicroBatches(of: rank, count: count)
                return "rank \(rank): \(own.count) micro-batches, rewards "
                    + names[layout.items(of: rank)].joined(separator: ", ")
            }
    }

    private func memoryLines(_ plan: MemoryPlan, _ problem: ImageAlignmentProblem) -> [String] {
        [
            "rank 0: \(size(plan.fixed)) for weights and libraries, and for "
                + "\(problem.imagesAtOnce(threads: threads)) images at once"
        ]
            + plan.levels.map { level in
                let name = "\(level.memory)".padding(toLength: 12, withPad: " ", startingAt: 0)
                return "  \(name) \(size(level.bytes)), \(size(plan.fixed + level.bytes)) in all"
            }
    }
}
