import Distributed
import XCTest

final class RankLayoutTests: XCTestCase {
    private struct Row {
        let ranks: Int, items: Int, shards: Int
        /// Items of the ranks of one sample group.
        let held: [[Int]]
        /// Micro-batches of seven, of each sample group.
        let batches: [[Int]]
    }

    private let rows = [
        Row(ranks: 1, items: 3, shards: 1, held: [[0, 1, 2]], batches: [[0, 1, 2, 3, 4, 5, 6]]),
        Row(ranks: 2, items: 3, shards: 1, held: [[0, 1, 2]], batches: [[0, 1, 2], [3, 4, 5, 6]]),
        Row(ranks: 2, items: 3, shards: 2, held: [[0], [1, 2]], batches: [[0, 1, 2, 3, 4, 5, 6]]),
        Row(ranks: 3, items: 3, shards: 3, held: [[0], [1], [2]], batches: [[0, 1, 2, 3, 4, 5, 6]]),
        Row(ranks: 4, items: 3, shards: 2, held: [[0], [1, 2]], batches: [[0, 1, 2], [3, 4, 5, 6]]),
        // More shards than items: two ranks hold none.
        Row(
            ranks: 5, items: 3, shards: 5, held: [[], [0], [], [1], [2]],
            batches: [[0, 1, 2, 3, 4, 5, 6]]),
        // More sample groups than micro-batches: one has none.
        Row(
            ranks: 8, items: 1, shards: 1, held: [[0]],
            batches: [[], [0], [1], [2], [3], [4], [5], [6]]),
    ]

    func testTable() throws {
        for row in rows {
            let layout = try RankLayout(ranks: row.ranks, items: row.items, shards: row.shards)
            let name = "\(row.ranks) ranks, \(row.items) items, \(row.shards) shards"
            XCTAssertEqual(layout.replicas, row.batches.count, name)
            for rank in 0..<row.ranks {
                XCTAssertEqual(Array(layout.items(of: rank)), row.held[rank % row.shards], name)
                let batches = Array(layout.microBatches(of: rank, count: 7))
                XCTAssertEqual(batches, row.batches[rank / row.shards], name)
            }
        }
    }

    func testEveryPairOfItemAndMicroBatchIsComputedOnce() throws {
        for ranks in 1...8 {
            for shards in 1...ranks where ranks % shards == 0 {
                for (items, batches) in [(0, 4), (1, 1), (2, 5), (3, 16), (7, 3), (11, 0)] {
                    let layout = try RankLayout(ranks: ranks, items: items, shards: shards)
                    var computed = Array(repeating: 0, count: items * batches)
                    for rank in 0..<ranks {
                        for batch in layout.microBatches(of: rank, count: batches) {
                            for item in layout.items(of: rank) { computed[batch * items + item] += 1 }
                        }
                    }
                    XCTAssertEqual(
                        computed, Array(repeating: 1, count: items * batches),
                        "\(ranks) ranks, \(items) items, \(shards) shards, \(batches) micro-batches")
                }
            }
        }
    }

    func testOwnersHoldTheirItemsInEveryGroup() throws {
        for ranks in 1...8 {
            for shards in 1...ranks where ranks % shards == 0 {
                for items in 1...9 {
                    let layout = try RankLayout(ranks: ranks, items: items, shards: shards)
                    for item in 0..<items {
                        let owners = (0..<ranks).filter { layout.items(of: $0).contains(item) }
                        let named = (0..<layout.replicas).map { layout.owner(of: item, dataIndex: $0) }
                        XCTAssertEqual(owners, named, "\(ranks) ranks, \(shards) shards, item \(item)")
                    }
                }
            }
        }
    }

    func testPartsAreBalancedAndOwnWorkIsDividedOnce() throws {
        for ranks in 1...8 {
            let layout = try RankLayout(ranks: ranks, items: 5, shards: ranks)
            for count in 0...20 {
                let own = (0..<ranks).map { layout.ownMicroBatches(of: $0, count: count) }
                XCTAssertEqual(own.flatMap { $0 }, Array(0..<count))
                let sizes = own.map(\.count)
                XCTAssertLessThanOrEqual((sizes.max() ?? 0) - (sizes.min() ?? 0), 1)
            }
        }
    }

    func testIndivisibleRanksAreRefusedWithTheRemedy() {
        for (ranks, shards) in [(3, 2), (4, 3), (8, 16), (2, 0)] {
            XCTAssertThrowsError(try RankLayout(ranks: ranks, items: 4, shards: shards)) {
                XCTAssertEqual($0 as? RankLayoutError, .indivisible(ranks: ranks, shards: shards))
            }
        }
    }

    func testWidestShardsLeaveNoRankWithoutItems() {
        let widest = (1...8).map { RankLayout.widestShards(ranks: $0, items: 3) }
        XCTAssertEqual(widest, [1, 2, 3, 2, 1, 3, 1, 2])
        XCTAssertEqual(RankLayout.widestShards(ranks: 4, items: 0), 1)
    }
}
