import Synchronization

/// Ranks as threads of one process, which behave as MPI ranks do.
///
/// Unlike MPI it notices ranks that make different calls, that fail, or that end while others wait, and
/// lets the others throw instead of waiting forever.
public final class ThreadCommunicator: Communicator {
    public let rank: Int
    public let size: Int
    public let localRank: Int
    public let localSize: Int
    private let group: ThreadGroup

    private init(rank: Int, of group: ThreadGroup) {
        self.rank = rank
        self.group = group
        size = group.members.count
        localRank = group.members[rank]
        localSize = group.world.size
    }

    /// Runs `body` on `ranks` threads and returns their results by rank.
    ///
    /// Errors: the first that a rank throws; the other ranks' calls then throw `peerFailed`.
    public static func run<Result: Sendable>(
        ranks: Int, _ body: @escaping @Sendable (ThreadCommunicator) throws -> Result
    ) throws -> [Result] {
        precondition(ranks > 0, "run: \(ranks) ranks, expected at least 1")
        let world = ThreadWorld(size: ranks)
        let group = ThreadGroup(members: Array(0..<ranks), in: world)
        let results = Mutex([Result?](repeating: nil, count: ranks))
        let threads = (0..<ranks).map { rank in
            RunningThread {
                do {
                    let result = try body(ThreadCommunicator(rank: rank, of: group))
                    results.withLock { $0[rank] = result }
                    world.end(rank, error: nil)
                } catch {
                    world.end(rank, error: error)
                }
            }
        }
        threads.forEach { $0.join() }
        if let error = world.firstError { throw error }
        return results.withLock { $0.compactMap { $0 } }
    }

    public func allReduce<Element: Reducible>(
        _ buffer: UnsafeMutableBufferPointer<Element>, _ reduction: Reduction
    ) throws {
        requireReducible(Element.self, reduction)
        let arrival = ThreadGroup.Arrival(
            .allReduce(reduction, Element.kind, count: buffer.count),
            receive: UnsafeMutableRawBufferPointer(buffer))
        try group.meet(rank, arrival) { arrivals in
            let total = arrivals[0].receive.assumingMemoryBound(to: Element.self)
            for other in arrivals.dropFirst() {
                let terms = other.receive.assumingMemoryBound(to: Element.self)
                for i in total.indices { total[i] = Element.reduce(total[i], terms[i], reduction) }
            }
            for other in arrivals.dropFirst() {
                other.receive.copyMemory(from: UnsafeRawBufferPointer(arrivals[0].receive))
            }
        }
    }

    public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws {
        requireRoot(root, "broadcast")
        let arrival = ThreadGroup.Arrival(
            .broadcast(byteCount: bytes.count, root: root), receive: bytes)
        try group.meet(rank, arrival) { arrivals in
            for (rank, other) in arrivals.enumerated() where rank != root {
                other.receive.copyMemory(from: UnsafeRawBufferPointer(arrivals[root].receive))
            }
        }
    }

    public func allGather(
        _ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, byteCounts: [Int]
    ) throws {
        requireCounts(byteCounts, own: own.count, all: all.count, "allGather")
        let arrival = ThreadGroup.Arrival(.allGather(byteCounts: byteCounts), send: own, receive: all)
        try group.meet(rank, arrival) { arrivals in
            for arrival in arrivals { arrivals.concatenate(into: arrival.receive) }
        }
    }

    public func gather(
        _ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, byteCounts: [Int], root: Int
    ) throws {
        requireRoot(root, "gather")
        requireCounts(
            byteCounts, own: own.count, all: rank == root ? all.count : byteCounts.reduce(0, +), "gather")
        let call = Collective.gather(byteCounts: byteCounts, root: root)
        let arrival = ThreadGroup.Arrival(call, send: own, receive: all)
        try group.meet(rank, arrival) { $0.concatenate(into: $0[root].receive) }
    }

    public func barrier() throws {
        try group.meet(rank, ThreadGroup.Arrival(.barrier)) { _ in }
    }

    public func split(color: Int, key: Int) throws -> any Communicator {
        requireColor(color)
        let seat = ThreadGroup.Seat(color: color, key: key, group: group, rank: rank)
        try group.meet(rank, ThreadGroup.Arrival(.split, seat: seat)) { [group] arrivals in
            group.seat(arrivals.compactMap(\.seat))
        }
        return ThreadCommunicator(rank: seat.rank, of: seat.group)
    }

    public func abort(code: Int32) -> Never { endProcess(code) }
}

extension [ThreadGroup.Arrival] {
    fileprivate func concatenate(into all: UnsafeMutableRawBufferPointer) {
        var start = 0
        for arrival in self {
            let end = start + arrival.send.count
            UnsafeMutableRawBufferPointer(rebasing: all[start..<end]).copyMemory(from: arrival.send)
            start = end
        }
    }
}
