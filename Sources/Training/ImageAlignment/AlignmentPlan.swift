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
        let memory = MemoryTable(
            fixed: plan.fixed, images: problem.imagesAtOnce(threads: threads),
            peaks: plan.levels.map { ("\($0.memory)", $0.bytes) })
        return (layoutLines(layout) + memory.lines).joined(separator: "\n")
    }

    private func layoutLines(_ layout: RankLayout) -> [String] {
        let count = configuration.training.batch / configuration.training.microBatch
        let names = configuration.rewards.map(\.name)
        return [
            "an update: \(counted(configuration.training.batch, "image")) in "
                + "\(counted(count, "micro-batch")), \(counted(ranks, "rank")) of \(counted(threads, "thread"))"
        ]
            + (0..<ranks).map { rank in
                let own = layout.ownMicroBatches(of: rank, count: count)
                return "rank \(rank): \(counted(own.count, "micro-batch")), rewards "
                    + names[layout.items(of: rank)].joined(separator: ", ")
            }
    }
}
