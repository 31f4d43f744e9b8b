/// A job of one rank, without MPI.
public final class SingleCommunicator: Communicator {
    public init() {}

    public var rank: Int { 0 }
    public var size: Int { 1 }
    public var localRank: Int { 0 }
    public var localSize: Int { 1 }

    public func allReduce<Element: Reducible>(
        _ buffer: UnsafeMutableBufferPointer<Element>, _ reduction: Reduction
    ) {
        requireReducible(Element.self, reduction)
    }

    public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) {
        requireRoot(root, "broadcast")
    }

    public func allGather(
        _ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, byteCounts: [Int]
    ) {
        requireCounts(byteCounts, own: own.count, all: all.count, "allGather")
        all.copyMemory(from: own)
    }

    public func gather(
        _ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, byteCounts: [Int], root: Int
    ) {
        requireRoot(root, "gather")
        allGather(own, into: all, byteCounts: byteCounts)
    }

    public func barrier() {}

    public func split(color: Int, key: Int) -> any Communicator {
        requireColor(color)
        return self
    }

    public func abort(code: Int32) -> Never { endProcess(code) }
}
