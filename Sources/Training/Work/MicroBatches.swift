import Distributed
import Foundation
import TensorCore

/// What one micro-batch, or all of them together, contributes: arrays (gradients) and scalars (rewards, KLs).
struct Contribution: Sendable {
    var arrays: [Tensor] = []
    var scalars: [Double] = []
}

/// The micro-batches of a step, divided over ranks and, within a rank, over threads.
///
/// A micro-batch is never split and sums are exact, so results depend neither on the number of ranks nor on the
/// number of threads.
struct MicroBatches: Sendable {
    /// Samples of all micro-batches together.
    let samples: Int
    /// Samples of each micro-batch.
    let size: Int
    /// Global index of the first sample.
    let first: Int

    init(samples: Int, size: Int, first: Int = 0) {
        precondition(samples % size == 0, "MicroBatches: \(samples) samples do not divide into \(size)s")
        self.samples = samples
        self.size = size
        self.first = first
    }

    var count: Int { samples / size }

    /// Global indices of the samples of a micro-batch.
    func range(_ index: Int) -> Range<Int> { first + index * size..<first + (index + 1) * size }

    /// Computes `body` for this rank's micro-batches, in order.
    ///
    /// Alone, a rank gives each micro-batch one thread. Ranks of a sample group of `shards` all compute the group's
    /// micro-batches, one after another, since `body` then communicates within the group.
    func map<Element: Sendable>(
        on communicator: any Communicator, shards: Int = 1, _ body: @Sendable (Range<Int>) throws -> Element
    ) throws -> [Element] {
        let layout = try RankLayout(ranks: communicator.size, items: 0, shards: shards)
        let own = layout.microBatches(of: communicator.rank, count: count)
        guard shards == 1 else { return try own.map { try body(range($0)) } }
        return try Parallel.map(own.count) { try body(range(own.lowerBound + $0)) }
    }

    /// Σ over all micro-batches of all ranks.
    ///
    /// - Parameters:
    ///   - arrays: shapes of the contributed arrays, in order.
    ///   - shards: ranks that share models and so compute the same micro-batches.
    ///   - scalars: how many scalars each micro-batch contributes.
    ///   - body: what the samples of one micro-batch contribute.
    /// - Throws: `NonFiniteError` on all ranks if any contributed NaN or infinity.
    func sum(
        over communicator: any Communicator, shards: Int = 1, arrays: [Shape] = [], scalars: Int,
        _ body: @Sendable (Range<Int>) throws -> Contribution
    ) throws -> Contribution {
        let contributions = try communicator.failTogether(exitCode: exitCode(for:)) {
            try map(on: communicator, shards: shards, body)
        }
        // The ranks of a sample group have all computed the same: the first of them contributes it.
        let counted = communicator.rank % shards == 0 ? contributions : []
        let named = arrays.enumerated().map { (name: "array \($0)", shape: $1) }
        return try Contribution.sum(counted, arrays: named, scalars: scalars, over: communicator)
    }
}

extension Contribution {
    /// The exact sum of what all ranks contribute.
    ///
    /// - Parameter arrays: names and shapes of the contributed arrays, in order.
    /// - Throws: `NonFiniteError` on all ranks if any contributed NaN or infinity.
    static func sum(
        _ contributions: [Contribution], arrays: [(name: String, shape: Shape)], scalars: Int,
        over communicator: any Communicator
    ) throws -> Contribution {
        var sum = ExactSum(
            floats: arrays.map { ($0.name, $0.shape.elementCount) }, doubles: [("scalars", scalars)])
        for contribution in contributions {
            for (array, value) in zip(arrays, contribution.arrays) { sum.add(value, to: array.name) }
            sum.add(contribution.scalars, to: "scalars")
        }
        let sums = try sum.reduce(over: communicator).get()
        return Contribution(
            arrays: arrays.compactMap { sums.floatTensors[$0.name]?.reshaped($0.shape.dimensions) },
            scalars: sums.doubles["scalars"] ?? [])
    }
}
