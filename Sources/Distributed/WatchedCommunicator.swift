/// A communicator with a watchdog: it measures the time in collective calls, and when nothing moves for a while, each
/// rank says where it is.
///
/// A collective hangs where one rank does not call it. MPI reports nothing then; here every rank prints the
/// call it waits in, or the one it left last, once per `limit`.
public final class WatchedCommunicator: Communicator {
    /// What does the work.
    package let base: any Communicator
    private let watchdog: Watchdog

    /// - Parameter limit: seconds without progress before the first report; nil for none ever.
    public convenience init(
        _ base: any Communicator, limit: Double?,
        report: @escaping @Sendable (String) -> Void = writeToStandardError
    ) {
        precondition(
            limit.map { $0 > 0 } ?? true, "WatchedCommunicator: limit \(limit ?? 0) s, expected more than 0")
        let prefix = rankPrefix(base.rank, of: base.size)
        self.init(base, Watchdog(limit: limit) { report(prefix + $0) })
    }

    private init(_ base: any Communicator, _ watchdog: Watchdog) {
        self.base = base
        self.watchdog = watchdog
    }

    /// Seconds that this rank has spent in collective calls, its groups' and waits for others included.
    public var secondsInCalls: Double { watchdog.secondsInCalls }

    public var rank: Int { base.rank }
    public var size: Int { base.size }
    public var localRank: Int { base.localRank }
    public var localSize: Int { base.localSize }

    public func allReduce<Element: Reducible>(
        _ buffer: UnsafeMutableBufferPointer<Element>, _ reduction: Reduction
    ) throws {
        try watchdog.watch(.allReduce(reduction, Element.kind, count: buffer.count)) {
            try base.allReduce(buffer, reduction)
        }
    }

    public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws {
        try watchdog.watch(.broadcast(byteCount: bytes.count, root: root)) {
            try base.broadcast(bytes, root: root)
        }
    }

    public func allGather(
        _ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, byteCounts: [Int]
    ) throws {
        try watchdog.watch(.allGather(byteCounts: byteCounts)) {
            try base.allGather(own, into: all, byteCounts: byteCounts)
        }
    }

    public func gather(
        _ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, byteCounts: [Int], root: Int
    ) throws {
        try watchdog.watch(.gather(byteCounts: byteCounts, root: root)) {
            try base.gather(own, into: all, byteCounts: byteCounts, root: root)
        }
    }

    public func barrier() throws {
        try watchdog.watch(.barrier) { try base.barrier() }
    }

    public func split(color: Int, key: Int) throws -> any Communicator {
        let group = try watchdog.watch(.split) { try base.split(color: color, key: key) }
        return WatchedCommunicator(group, watchdog)
    }

    public func abort(code: Int32) -> Never { base.abort(code: code) }
}
