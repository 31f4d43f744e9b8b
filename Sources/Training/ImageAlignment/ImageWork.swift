import Distributed
import Rewards
import TensorCore

/// Images of one micro-batch, and what is to be done once they have their scores.
struct PendingImages {
    /// `[N, H, W, 3]` in 0…1, outside any graph.
    let images: Tensor
    let finish: (RewardScores) throws -> Contribution
}

/// The micro-batches of a step as ranks share them: every rank samples its own, rewards are scored where they are.
struct ImageWork: Sendable {
    let batches: MicroBatches
    let exchange: RewardExchange
    let communicator: any Communicator

    /// Σ over all micro-batches of what `sample` and the scores contribute.
    ///
    /// - Parameters:
    ///   - arrays: names and shapes of the contributed arrays.
    ///   - weights: ∂L/∂r_i of one image; 0 asks for no gradient.
    ///   - prompts: of each sample.
    ///   - size: of the images.
    ///   - onBatch: called after each micro-batch of this rank, from any thread.
    /// - Throws: `NonFiniteError` on all ranks if any contributed NaN or infinity.
    func sum(
        arrays: [(name: String, shape: Shape)] = [], scalars: Int, weights: [Double], size: ImageSize,
        prompts: @Sendable (Range<Int>) -> [String], onBatch: @Sendable () -> Void = {},
        sample: @Sendable (Range<Int>) throws -> PendingImages
    ) throws -> Contribution {
        let own = exchange.layout.ownMicroBatches(of: communicator.rank, count: batches.count)
        let contributions: [Contribution]
        if exchange.layout.shards == 1 {
            contributions = try communicator.failTogether(exitCode: exitCode(for:)) {
                try Parallel.map(own.count) { place in
                    let range = batches.range(own.lowerBound + place)
                    let pending = try sample(range)
                    let scores = try exchange.panel.scores(
                        pending.images, prompts: prompts(range), weights: weights)
                    defer { onBatch() }
                    return try pending.finish(scores)
                }
            }
        } else {
            contributions = try inRounds(weights, size, prompts, onBatch, sample)
        }
        return try Contribution.sum(
            contributions, arrays: arrays, scalars: scalars, over: communicator)
    }

    /// One micro-batch of every rank at a time, so that the ranks of a group can exchange images.
    private func inRounds(
        _ weights: [Double], _ size: ImageSize, _ prompts: (Range<Int>) -> [String], _ onBatch: () -> Void,
        _ sample: (Range<Int>) throws -> PendingImages
    ) throws -> [Contribution] {
        let layout = exchange.layout
        let first = communicator.rank - layout.shardIndex(of: communicator.rank)
        let parts = (first..<first + layout.shards).map {
            layout.ownMicroBatches(of: $0, count: batches.count)
        }
        let own = parts[communicator.rank - first]
        let rounds = (0..<layout.ranks).map { layout.ownMicroBatches(of: $0, count: batches.count).count }
        var contributions: [Contribution] = []
        for round in 0..<(rounds.max() ?? 0) {
            let ranges = parts.map { $0.count > round ? batches.range($0.lowerBound + round) : nil }
            let pending = try communicator.failTogether(exitCode: exitCode(for:)) {
                own.count > round ? try sample(batches.range(own.lowerBound + round)) : nil
            }
            let scores = try exchange.scores(
                pending?.images, counts: ranges.map { $0?.count ?? 0 },
                prompts: ranges.map { $0.map(prompts) ?? [] }, shape: [size.height, size.width, 3],
                weights: weights)
            try communicator.failTogether(exitCode: exitCode(for:)) {
                guard let pending, let scores else { return }
                contributions.append(try pending.finish(scores))
                onBatch()
            }
        }
        return contributions
    }
}

/// Rewards and divergence of many images.
struct ImageMeasurement: Sendable {
    /// Mean and standard deviation of each r_i, raw.
    let statistics: [RewardScale]
    /// Mean over samples of the divergence from the base.
    let divergence: Double
    let samples: Int

    /// Scalars a micro-batch contributes: Σ r_i, Σ r_i², Σ KL.
    static func scalars(_ values: [[Double]], divergences: [Double]) -> [Double] {
        let squares = values.map { $0.reduce(0) { $0 + $1 * $1 } }
        return values.map { $0.reduce(0, +) } + squares + [divergences.reduce(0, +)]
    }

    static func scalarCount(rewards: Int) -> Int { 2 * rewards + 1 }

    init(sums: [Double], rewards m: Int, samples: Int) {
        statistics = (0..<m).map { i in
            RewardScale(sum: sums[i], sumOfSquares: sums[m + i], count: samples)
        }
        divergence = sums[2 * m] / Double(samples)
        self.samples = samples
    }

    /// E r_i, raw.
    var means: [Double] { statistics.map(\.mean) }
    /// Standard errors of the means.
    var errors: [Double] { statistics.map(\.deviation).map { $0 / Double(samples).squareRoot() } }
}
