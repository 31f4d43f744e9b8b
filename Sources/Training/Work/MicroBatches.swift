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

    init(samples: Int, size: Int) {
        precondition(samples % size == 0, "MicroBatches: \(samples) samples do not divide into \(size)s")
        self.samples = samples
        self.size = size
    }

    var count: Int { samples / size }

    /// Global indices of the samples of a micro-batch.
    func range(_ index: Int) -> Range<Int> { index * size..<(index + 1) * size }

    /// Computes `body` for this rank's micro-batches, each on one thread, in order.
    func map<Element: Sendable>(
        on communicator: any Communicator, _ body: @Sendable (Range<Int>) throws -> Element
    ) throws -> [Element] {
        let own = try RankLayout(ranks: communicator.size, items: 0, shards: 1)
            .ownMicroBatches(of: communicator.rank, count: count)
        return try Parallel.map(own.count) { try body(range(own.lowerBound + $0)) }
    }

    /// Σ over all micro-batches of all ranks.
    ///
    /// - Parameters:
    ///   - arrays: shapes of the contributed arrays, in order.
    ///   - scalars: how many scalars each micro-batch contributes.
    ///   - body: what the samples of one micro-batch contribute.
    /// - Throws: `NonFiniteError` on all ranks if any contributed NaN or infinity.
    func sum(
        over communicator: any Communicator, arrays: [Shape] = [], scalars: Int,
        _ body: @Sendable (Range<Int>) throws -> Contribution
    ) throws -> Contribution {
        let contributions = try communicator.failTogether(exitCode: exitCode(for:)) {
            try map(on: communicator, body)
        }
        var sum = ExactSum(
            floats: arrays.enumerated().map { ("array \($0)", $1.elementCount) },
            doubles: [("scalars", scalars)])
        for contribution in contributions {
            for (index, array) in contribution.arrays.enumerated() {
                sum.add(array, to: "array \(index)")
            }
            sum.add(contribution.scalars, to: "scalars")
        }
        let sums = try sum.reduce(over: communicator).get()
        return Contribution(
            arrays: arrays.enumerated().compactMap { sums.floatTensors["array \($0)"]?.reshaped($1.dimensions) },
            scalars: sums.doubles["scalars"] ?? [])
    }

    /// The rows computed by all ranks, in sample order, on every rank.
    ///
    /// - Shapes: `body` returns `[size, d]`; result `[samples, d]`.
    func gather(
        over communicator: any Communicator, _ body: @Sendable (Range<Int>) throws -> Tensor
    ) throws -> Tensor {
        let parts = try communicator.failTogether(exitCode: exitCode(for:)) {
            try map(on: communicator, body)
        }
        let rows = try communicator.allGatherEach(parts.flatMap(\.floats)).flatMap { $0 }
        return Tensor(rows, shape: [samples, rows.count / max(samples, 1)])
    }
}
