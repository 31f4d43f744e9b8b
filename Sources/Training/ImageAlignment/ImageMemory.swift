import TensorCore

/// Memory that an image takes while it is sampled, scored and differentiated, in bytes, as measured on one.
struct ImageMemory: Equatable, Sendable {
    /// At the peak, with one differentiated step.
    let peak: Int
    /// More for each further one.
    let perStep: Int

    /// Of several images at once.
    func bytes(images: Int, steps: Int) -> Int { images * (peak + max(0, steps - 1) * perStep) }
}

/// What a rank will take in an update, and which of the levels of `training.memory` it works at.
struct MemoryPlan: Sendable {
    /// A level and the bytes that an update takes at its peak, by those tried.
    typealias Level = (memory: ChainMemory, bytes: Int)

    let levels: [Level]
    /// The one that was chosen; nil if none fits.
    let chosen: Level?
    /// Weights, libraries and what else is there before the first update, in bytes.
    let fixed: Int
    /// What the rank may take in all; nil where nothing says.
    let budget: Int?

    /// - Parameters:
    ///   - policy: `auto` takes the first level that fits.
    ///   - images: computed at once: a micro-batch for every thread that has one.
    ///   - steps: differentiated at most.
    ///   - measure: what one image takes.
    init(
        _ policy: MemoryPolicy, images: Int, steps: Int, fixed: Int, budget: Int?,
        measure: (ChainMemory) throws -> ImageMemory
    ) rethrows {
        self.fixed = fixed
        self.budget = budget
        var levels: [Level] = []
        var chosen: Level?
        for memory in policy.levels where chosen == nil {
            let level = (memory: memory, bytes: try measure(memory).bytes(images: images, steps: steps))
            levels.append(level)
            if policy != .auto || budget.map({ fixed + level.bytes <= $0 }) ?? true { chosen = level }
        }
        self.levels = levels
        self.chosen = chosen
    }

    /// Largest resident memory that is to be expected.
    var predicted: Int? { chosen.map { fixed + $0.bytes } }
}

extension ImageAlignmentProblem {
    /// - Parameters:
    ///   - threads: of this rank.
    ///   - budget: what the rank may take in all, given what it has taken already; nil where nothing says.
    func memoryPlan(
        _ policy: MemoryPolicy, threads: Int, budget: (_ fixed: Int) -> Int?
    ) throws -> MemoryPlan {
        // What is touched once stays: buffers of libraries, pages of mapped weights.
        _ = try memory(keeping: .layers)
        CPUBackend.shared.allocator.releaseCached()
        let fixed = ResidentMemory.now ?? 0
        return try MemoryPlan(
            policy, images: imagesAtOnce(threads: threads), steps: mostDifferentiatedSteps, fixed: fixed,
            budget: budget(fixed), measure: memory(keeping:))
    }
}

extension ImageTrainingConfiguration {
    /// What one of `ranks` on this machine may take: what is set, or its share of what is free, a fifth left alone.
    func budget(fixed: Int, ranks: Int) -> Int? {
        if let memoryBudget { return Int(memoryBudget * Double(1 << 30)) }
        guard let memory = Memory.current() else { return nil }
        let free = min(memory.available, ControlGroup.memoryLimit() ?? .max)
        return fixed + free / 5 * 4 / ranks
    }
}

/// Why no update fits.
struct MemoryBudgetError: ExitCoded, CustomStringConvertible {
    let plan: MemoryPlan
    let budget: Int
    let microBatch: Int

    var exitCode: Int32 { ExitStatus.configuration }

    var description: String {
        let least = plan.levels.last.map { plan.fixed + $0.bytes } ?? plan.fixed
        return
            "an update needs \(size(least)) in a rank (\(size(plan.fixed)) of it weights and libraries) even with "
            + "training.memory: layers, and may take \(size(budget)). Lower training.micro_batch (\(microBatch)), take "
            + "dtype: bf16, let ranks share the rewards (ranks.shards), start fewer ranks or threads on a machine, or "
            + "raise training.memory_budget."
    }
}

extension MemoryPolicy {
    /// The levels that are tried, the fastest first.
    var levels: [ChainMemory] {
        switch self {
        case .auto: ChainMemory.allCases
        case .activations: [.activations]
        case .steps: [.steps]
        case .layers: [.layers]
        }
    }
}
