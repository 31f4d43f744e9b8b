import Foundation
import Synchronization

/// Keeps freed blocks in size classes and hands them out again.
///
/// A training step allocates the same sizes every time; going back to the system for each costs page faults
/// (measured: a third of a small model's step). Four classes per power of two waste at most a fifth.
public final class CachingAllocator: Sendable {
    /// What the allocator holds, in bytes.
    public struct Statistics: Sendable {
        /// Handed out now.
        public var inUse = 0
        /// Largest `inUse` since the last `resetPeak()`.
        public var peak = 0
        /// Freed blocks kept for reuse.
        public var cached = 0
    }

    private struct State: @unchecked Sendable {
        var free: [[UnsafeMutableRawPointer]]
        var statistics = Statistics()

        /// A free block of the class, or a large one of up to twice its size: what is in memory already costs less than
        /// as much again.
        mutating func takeBlock(for wanted: SizeClass) -> (UnsafeMutableRawPointer, SizeClass)? {
            for block in wanted.served {
                guard let pointer = free[block.index].popLast() else { continue }
                statistics.cached -= block.byteCount
                return (pointer, block)
            }
            return nil
        }
    }

    private let state: Mutex<State>

    public init() {
        state = Mutex(State(free: Array(repeating: [], count: SizeClass.count)))
    }

    public var statistics: Statistics { state.withLock { $0.statistics } }

    /// Starts a new measurement of the peak at what is in use now.
    public func resetPeak() {
        state.withLock { $0.statistics.peak = $0.statistics.inUse }
    }

    /// Most bytes that were in use while `body` ran, beyond those before it.
    public func peak(of body: () throws -> Void) rethrows -> Int {
        resetPeak()
        let before = statistics.inUse
        try body()
        return statistics.peak - before
    }

    /// Gives all cached blocks back to the system.
    public func releaseCached() {
        let blocks = state.withLock { state in
            defer {
                state.free = Array(repeating: [], count: SizeClass.count)
                state.statistics.cached = 0
            }
            return state.free.flatMap { $0 }
        }
        for block in blocks { free(block) }
    }

    package func allocate(byteCount: Int) -> Storage {
        let wanted = SizeClass(byteCount: byteCount)
        let reused = state.withLock { state in
            state.statistics.inUse += wanted.byteCount
            state.statistics.peak = max(state.statistics.peak, state.statistics.inUse)
            return state.takeBlock(for: wanted)
        }
        let (pointer, block) = reused ?? (systemAllocate(wanted), wanted)
        return Storage(pointer: pointer, byteCount: byteCount, device: .cpu) { [self] pointer in
            recycle(pointer, block, as: wanted)
        }
    }

    private func recycle(_ pointer: UnsafeMutableRawPointer, _ block: SizeClass, as wanted: SizeClass) {
        state.withLock { state in
            state.statistics.inUse -= wanted.byteCount
            state.statistics.cached += block.byteCount
            state.free[block.index].append(pointer)
        }
    }

    private func systemAllocate(_ sizeClass: SizeClass) -> UnsafeMutableRawPointer {
        // Large blocks get huge pages: the GEMM packs and streams through them with far fewer TLB misses.
        let hugePage = 2 << 20
        let alignment = sizeClass.byteCount >= 2 * hugePage ? hugePage : 64
        var pointer: UnsafeMutableRawPointer?
        if posix_memalign(&pointer, alignment, sizeClass.byteCount) != 0 {
            releaseCached()
            _ = posix_memalign(&pointer, alignment, sizeClass.byteCount)
        }
        guard let pointer else { outOfMemory(requested: sizeClass.byteCount) }
        if alignment == hugePage { madvise(pointer, sizeClass.byteCount, MADV_HUGEPAGE) }
        return pointer
    }

    /// Ends the process with a message: operators on tensors do not throw, and a release build drops the text of a
    /// failed precondition. Runs resume from their checkpoints; mpirun ends the other ranks.
    private func outOfMemory(requested: Int) -> Never {
        let held = statistics.inUse >> 20
        let message =
            "saddle: error: out of memory: asked for \(requested >> 20) MiB while holding \(held) MiB. Lower the batch,"
            + " the micro-batch or the size of the images, hold the weights in bf16, or train with more checkpoint"
            + " segments.\n"
        _ = Array(message.utf8).withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        // EX_SOFTWARE. Not exit(3): handlers that other threads' work depends on must not run here.
        _exit(70)
    }
}

/// One of the block sizes the allocator deals in: 2^k · {1, 1¼, 1½, 1¾}, at least 64 bytes.
private struct SizeClass {
    static let count = 4 * 64
    /// Blocks that are worth sharing between sizes.
    private static let large = 1 << 20
    let index: Int

    init(byteCount: Int) {
        let wanted = max(byteCount, 64)
        let exponent = Int.bitWidth - 1 - (wanted - 1).leadingZeroBitCount
        let quarter = 1 << (exponent - 2)
        index = 4 * exponent + (wanted - (1 << exponent) + quarter - 1) / quarter
    }

    private init(index: Int) { self.index = index }

    var byteCount: Int { max(64, (4 + index % 4) << (index / 4 - 2)) }

    /// The classes whose blocks may stand for one of this class, best first.
    var served: [SizeClass] {
        byteCount < Self.large ? [self] : (index...(index + 4)).map { SizeClass(index: $0) }
    }
}
