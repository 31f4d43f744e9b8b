/// How ranks divide the items (models, adapters or rewards) and the micro-batches of a step: data × shard.
///
/// Ranks form sample groups of `shards` consecutive ranks. The ranks of a sample group work on the same
/// micro-batches (the same x_t), each with its own items; together they hold every item once. Sample
/// groups work on different micro-batches. With d = dataIndex and s = shardIndex,
///
///     rank = d · shards + s,   rank (d, s) holds items I_s and computes micro-batches B_d.
///
/// I_s and B_d are contiguous and differ by at most one in size, so that what ranks gather in rank order
/// is in item or micro-batch order. More shards than items leave some ranks without items, and more sample
/// groups than micro-batches leave some without work; they still take part in collective calls.
public struct RankLayout: Equatable, Sendable {
    public let ranks: Int
    public let items: Int
    /// Ranks in a sample group.
    public let shards: Int

    /// Number of sample groups.
    public var replicas: Int { ranks / shards }

    /// Errors: `RankLayoutError` where `ranks` is no multiple of `shards`.
    public init(ranks: Int, items: Int, shards: Int) throws {
        precondition(ranks > 0 && items >= 0, "RankLayout: \(ranks) ranks for \(items) items")
        guard shards > 0, ranks % shards == 0 else {
            throw RankLayoutError.indivisible(ranks: ranks, shards: shards)
        }
        self.ranks = ranks
        self.items = items
        self.shards = shards
    }

    /// The most shards that leave no rank without items: the largest divisor of `ranks` up to `items`.
    public static func widestShards(ranks: Int, items: Int) -> Int {
        (1...ranks).last { ranks % $0 == 0 && $0 <= items } ?? 1
    }

    /// Which sample group a rank belongs to, in 0 ..< replicas.
    public func dataIndex(of rank: Int) -> Int { checked(rank) / shards }

    /// Which part of the items a rank holds, in 0 ..< shards.
    public func shardIndex(of rank: Int) -> Int { checked(rank) % shards }

    /// The items that a rank holds, I_s.
    public func items(of rank: Int) -> Range<Int> {
        Self.part(shardIndex(of: rank), of: shards, count: items)
    }

    /// The rank of sample group `dataIndex` that holds `item`.
    public func owner(of item: Int, dataIndex: Int) -> Int {
        precondition(0..<items ~= item, "owner: item \(item), expected one of 0 ..< \(items)")
        precondition(0..<replicas ~= dataIndex, "owner: group \(dataIndex), expected 0 ..< \(replicas)")
        // part(s) starts at ⌊s·items/shards⌋, so the last s with s·items < (item + 1)·shards holds it.
        return dataIndex * shards + ((item + 1) * shards - 1) / items
    }

    /// The micro-batches of `count` that the rank's sample group computes, B_d, each rank for its items.
    public func microBatches(of rank: Int, count: Int) -> Range<Int> {
        Self.part(dataIndex(of: rank), of: replicas, count: count)
    }

    /// The micro-batches of `count` that the rank computes alone: work that needs none of the items is
    /// divided over all ranks.
    public func ownMicroBatches(of rank: Int, count: Int) -> Range<Int> {
        Self.part(checked(rank), of: ranks, count: count)
    }

    private func checked(_ rank: Int) -> Int {
        precondition(0..<ranks ~= rank, "RankLayout: rank \(rank), expected one of 0 ..< \(ranks)")
        return rank
    }

    private static func part(_ index: Int, of parts: Int, count: Int) -> Range<Int> {
        index * count / parts..<(index + 1) * count / parts
    }
}

/// The two groups a rank belongs to in a `RankLayout`.
public struct RankGroups: Sendable {
    /// The ranks that share this rank's micro-batches; rank there is the shard index.
    public let sample: any Communicator
    /// The ranks that hold the same items; rank there is the data index.
    public let replicas: any Communicator
}

extension RankLayout {
    /// Makes the groups of this layout on every rank of `communicator`.
    public func groups(of communicator: any Communicator) throws -> RankGroups {
        precondition(
            communicator.size == ranks, "groups: \(communicator.size) ranks, expected \(ranks)")
        let data = dataIndex(of: communicator.rank)
        let shard = shardIndex(of: communicator.rank)
        return RankGroups(
            sample: try communicator.split(color: data, key: shard),
            replicas: try communicator.split(color: shard, key: data))
    }
}

/// A layout that cannot be; ranks that ask for the same layout find out alike.
public enum RankLayoutError: AgreedError, Equatable {
    case indivisible(ranks: Int, shards: Int)

    public var reportingRank: Int { 0 }

    public var description: String {
        switch self {
        case .indivisible(let ranks, let shards):
            let possible = (1...ranks).filter { ranks % $0 == 0 }.map(String.init).joined(separator: ", ")
            let remedy = shards > 0 ? ", or start a multiple of \(shards) ranks" : ""
            return "ranks.shards: \(ranks) rank\(ranks == 1 ? "" : "s") cannot form groups of \(shards); "
                + "set it to one of \(possible)\(remedy)"
        }
    }
}
