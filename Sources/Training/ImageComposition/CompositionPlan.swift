import Diffusion
import Distributed
import Layers
import TensorCore

/// What `saddle compose --dry-run` says of a product of text-to-image models: who does what, and what it takes.
///
/// It loads the base, and of members and rewards what rank 0 would hold, and measures one image in every phase.
struct CompositionPlan {
    let configuration: ImageCompositionConfiguration
    let ranks: Int
    let threads: Int

    func text() throws -> String {
        let layout = try configuration.layout(ranks: ranks)
        let pipeline = try TextToImagePipeline(directory: configuration.model, as: configuration.weightType)
        let texts = try configuration.prompts.texts()
        let members = try configuration.members(of: pipeline, texts: texts, planning: layout)
        let problem = try ImageCompositionProblem(configuration, pipeline, members, texts: texts)
        let rewards = try configuration.loadRewards(texts: texts, layout: layout, rank: 0)
        let phases = Phases(problem: problem, rewards: rewards)
        // What is touched once stays: buffers of libraries, pages of mapped weights.
        _ = try phases.peaks()
        CPUBackend.shared.allocator.releaseCached()
        let fixed = ResidentMemory.now ?? 0
        let memory = MemoryTable(
            fixed: fixed, images: imagesAtOnce(layout), peaksOfAnImage: try phases.peaks())
        return (layoutLines(layout) + memory.lines).joined(separator: "\n")
    }

    private var microBatches: Int { configuration.training.samples / configuration.training.microBatch }

    /// As `MicroBatches.map` computes them.
    private func imagesAtOnce(_ layout: RankLayout) -> Int {
        let own = layout.microBatches(of: 0, count: microBatches).count
        return configuration.training.microBatch * (layout.shards > 1 ? 1 : max(1, min(threads, own)))
    }

    private func layoutLines(_ layout: RankLayout) -> [String] {
        [
            "a dual iteration: \(counted(configuration.training.samples, "image")) in "
                + "\(counted(microBatches, "micro-batch")), "
                + "\(counted(ranks, "rank")) of \(counted(threads, "thread"))"
        ]
            + (0..<ranks).map { rank in
                let own = layout.microBatches(of: rank, count: microBatches).count
                return "rank \(rank): \(counted(own, "micro-batch")), members "
                    + configuration.memberNames[layout.items(of: rank)].joined(separator: ", ")
            }
    }
}

/// What rank 0 does with an image, phase by phase.
private struct Phases {
    let problem: ImageCompositionProblem
    let rewards: CompositionRewards?

    /// Bytes that an image takes at the peak of each phase.
    func peaks() throws -> [MemoryTable.Peak] {
        let start = problem.start(0..<1, .evaluation)
        let m = problem.product.members.names.count
        let multipliers = Array(repeating: 1 / Double(m), count: m)
        var peaks: [MemoryTable.Peak] = []
        func add(_ name: String, _ body: () throws -> Void) rethrows {
            peaks.append((name, try CPUBackend.shared.allocator.peak(of: body)))
        }
        try add("dual ascent") { _ = try problem.product.firstNoises(multipliers, start) }
        if problem.configuration.distillation.steps > 0 {
            let loss = DistillationLoss(problem, student: problem.student)
            try add("distillation") {
                let timesteps = Timesteps.each([Int32(problem.product.steps[0].timestep)])
                let lesson = try problem.product.lesson(multipliers, start.latents, timesteps, start.texts)
                _ = loss.contribution(lesson, share: 1)
            }
        }
        try add("pictures") {
            let images = withoutRecording { problem.pipeline.images(of: start.latents).asPicture }
            _ = try rewards?.parts(images, [problem.prompts[0]], 0..<1, firstColumn: 0)
        }
        return peaks
    }
}
