internal import COpenMPI
import Glibc
import Synchronization

/// The ranks that mpirun, srun or another MPI launcher started.
public final class MPICommunicator: Communicator, @unchecked Sendable {
    // Unchecked because an MPI handle is a pointer that Swift knows nothing of; `serial` orders its use.
    public let rank: Int
    public let size: Int
    public let localRank: Int
    public let localSize: Int
    private let handle: MPI_Comm
    /// Largest number of elements handed to one MPI call, whose counts are C ints.
    private let maximumCount: Int

    /// One MPI call at a time, as promised with MPI_THREAD_SERIALIZED.
    private static let serial = Mutex(())

    /// Starts MPI and returns the communicator of all ranks.
    ///
    /// Without a launcher the process is a job of one rank, and Open MPI is told not to start its daemon.
    ///
    /// Errors: `notConnected` where the launcher started more ranks than MPI connects, with the remedy;
    /// `threadSupport`; `lifetime` at a second start.
    public static func start(environment: [String: String]) throws -> MPICommunicator {
        let launch = Launch(environment: environment)
        if try !launch.needsMPI() { setenv("OMPI_MCA_ess_singleton_isolated", "1", 0) }
        guard !saddle_mpi_is_initialized() else {
            throw CommunicationError.lifetime("MPI was started before in this process; it starts once")
        }
        var granted = false
        // Before an error handler can be set, a failing start ends the process with MPI's own message.
        _ = saddle_mpi_init(&granted)
        guard granted else { throw CommunicationError.threadSupport }
        let world = try MPICommunicator(world: saddle_mpi_world())
        if let launcher = launch.launcher, let expected = launch.size, expected != world.size {
            try finish()
            throw CommunicationError.notConnected(
                launcher: launcher, expected: expected, found: world.size)
        }
        return world
    }

    /// Ends MPI, which every rank does once before it exits; without it mpirun reports a failure.
    ///
    /// Does nothing when MPI has not started or has ended.
    public static func finish() throws {
        guard saddle_mpi_is_initialized(), !saddle_mpi_is_finalized() else { return }
        let code = serial.withLock { _ in MPI_Finalize() }
        guard code == MPI_SUCCESS else {
            throw CommunicationError.lifetime("MPI_Finalize failed: \(errorText(code))")
        }
    }

    private init(world: MPI_Comm) throws {
        handle = world
        maximumCount = 1 << 30
        (rank, size) = Self.place(in: world)
        var machine: MPI_Comm?
        var code = saddle_mpi_return_errors(world)
        if code == MPI_SUCCESS { code = saddle_mpi_split_by_machine(world, Int32(rank), &machine) }
        guard code == MPI_SUCCESS, let machine else {
            throw CommunicationError.mpi(
                call: "MPI_Comm_split_type", rank: rank, size: size, text: Self.errorText(code))
        }
        (localRank, localSize) = Self.place(in: machine)
    }

    private init(_ handle: MPI_Comm, like parent: MPICommunicator, maximumCount: Int) {
        self.handle = handle
        self.maximumCount = maximumCount
        (rank, size) = Self.place(in: handle)
        localRank = parent.localRank
        localSize = parent.localSize
    }

    /// The same ranks with messages of at most `count` elements, to test what exceeds a C int.
    package func chunked(by count: Int) -> MPICommunicator {
        MPICommunicator(handle, like: self, maximumCount: count)
    }

    public func split(color: Int, key: Int) throws -> any Communicator {
        requireColor(color)
        var group: MPI_Comm?
        try check("MPI_Comm_split") { MPI_Comm_split(handle, Int32(color), Int32(key), &group) }
        guard let group else {
            throw CommunicationError.lifetime("MPI_Comm_split returned no communicator")
        }
        try check("MPI_Comm_set_errhandler") { saddle_mpi_return_errors(group) }
        return MPICommunicator(group, like: self, maximumCount: maximumCount)
    }

    public func abort(code: Int32) -> Never {
        fflush(nil)
        // Not under the lock: another thread may be inside a call that never returns.
        MPI_Abort(saddle_mpi_world(), abortCode(code))
        endProcess(code)
    }
}

// MARK: Collectives
extension MPICommunicator {
    public func allReduce<Element: Reducible>(
        _ buffer: UnsafeMutableBufferPointer<Element>, _ reduction: Reduction
    ) throws {
        requireReducible(Element.self, reduction)
        for chunk in chunks(buffer.count) {
            let start = UnsafeMutableBufferPointer(rebasing: buffer[chunk]).baseAddress
            try check("MPI_Allreduce") {
                MPI_Allreduce(
                    saddle_mpi_in_place(), start, Int32(chunk.count), Element.kind.datatype,
                    reduction.operation, handle)
            }
        }
    }

    public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws {
        requireRoot(root, "broadcast")
        for chunk in chunks(bytes.count) {
            let start = UnsafeMutableRawBufferPointer(rebasing: bytes[chunk]).baseAddress
            try check("MPI_Bcast") {
                MPI_Bcast(start, Int32(chunk.count), saddle_mpi_uint8(), Int32(root), handle)
            }
        }
    }

    public func allGather(
        _ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, byteCounts: [Int]
    ) throws {
        requireCounts(byteCounts, own: own.count, all: all.count, "allGather")
        let slots = byteCounts.consecutiveRanges
        if all.count <= maximumCount {
            try check("MPI_Allgatherv") {
                MPI_Allgatherv(
                    own.baseAddress, Int32(own.count), saddle_mpi_uint8(), all.baseAddress,
                    byteCounts.map(Int32.init), slots.map { Int32($0.lowerBound) }, saddle_mpi_uint8(),
                    handle)
            }
        } else {
            // Displacements are C ints too: beyond them each rank broadcasts its own part.
            UnsafeMutableRawBufferPointer(rebasing: all[slots[rank]]).copyMemory(from: own)
            for (root, slot) in slots.enumerated() {
                try broadcast(UnsafeMutableRawBufferPointer(rebasing: all[slot]), root: root)
            }
        }
    }

    public func gather(
        _ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, byteCounts: [Int], root: Int
    ) throws {
        requireRoot(root, "gather")
        requireCounts(
            byteCounts, own: own.count, all: rank == root ? all.count : byteCounts.reduce(0, +), "gather")
        guard rank == root else { return try send(own, to: root) }
        for (source, slot) in byteCounts.consecutiveRanges.enumerated() {
            let part = UnsafeMutableRawBufferPointer(rebasing: all[slot])
            if source == root { part.copyMemory(from: own) } else { try receive(part, from: source) }
        }
    }

    public func barrier() throws {
        try check("MPI_Barrier") { MPI_Barrier(handle) }
    }

    private func send(_ bytes: UnsafeRawBufferPointer, to destination: Int) throws {
        for chunk in chunks(bytes.count) {
            let start = UnsafeRawBufferPointer(rebasing: bytes[chunk]).baseAddress
            try check("MPI_Send") {
                MPI_Send(start, Int32(chunk.count), saddle_mpi_uint8(), Int32(destination), 0, handle)
            }
        }
    }

    private func receive(_ bytes: UnsafeMutableRawBufferPointer, from source: Int) throws {
        for chunk in chunks(bytes.count) {
            let start = UnsafeMutableRawBufferPointer(rebasing: bytes[chunk]).baseAddress
            try check("MPI_Recv") {
                saddle_mpi_receive(start, Int32(chunk.count), Int32(source), 0, handle)
            }
        }
    }
}

// MARK: Calling MPI
extension MPICommunicator {
    private func check(_ call: String, _ body: () -> Int32) throws {
        guard !saddle_mpi_is_finalized() else {
            throw CommunicationError.lifetime("\(call) was called after MPI_Finalize")
        }
        let code = Self.serial.withLock { _ in body() }
        guard code == MPI_SUCCESS else {
            throw CommunicationError.mpi(call: call, rank: rank, size: size, text: Self.errorText(code))
        }
    }

    /// 0 ..< count in pieces that MPI can count.
    private func chunks(_ count: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: maximumCount).map { $0..<min($0 + maximumCount, count) }
    }

    private static func place(in communicator: MPI_Comm) -> (rank: Int, size: Int) {
        var rank: Int32 = 0
        var size: Int32 = 1
        MPI_Comm_rank(communicator, &rank)
        MPI_Comm_size(communicator, &size)
        return (Int(rank), Int(size))
    }

    private static func errorText(_ code: Int32) -> String {
        var text = [CChar](repeating: 0, count: Int(saddle_mpi_text_capacity()))
        saddle_mpi_error_text(code, &text)
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension ReducibleKind {
    fileprivate var datatype: MPI_Datatype {
        switch self {
        case .float: saddle_mpi_float()
        case .double: saddle_mpi_double()
        case .int64: saddle_mpi_int64()
        case .uint8: saddle_mpi_uint8()
        }
    }
}

extension Reduction {
    fileprivate var operation: MPI_Op {
        switch self {
        case .sum: saddle_mpi_sum()
        case .minimum: saddle_mpi_min()
        case .maximum: saddle_mpi_max()
        case .bitwiseOr: saddle_mpi_bitwise_or()
        }
    }
}
