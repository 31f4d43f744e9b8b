/// Why ranks could not communicate.
public enum CommunicationError: Error, Equatable, CustomStringConvertible {
    /// An MPI call failed; `text` is MPI's own.
    case mpi(call: String, rank: Int, size: Int, text: String)
    /// MPI was built without the thread support asked for.
    case threadSupport
    /// MPI cannot be started again, or is used before its start or after its end.
    case lifetime(String)
    /// The launcher started `expected` processes that do not see each other.
    case notConnected(launcher: Launch.Launcher, expected: Int, found: Int)
    /// An environment variable has a value that makes no sense.
    case setting(name: String, value: String, expected: String)
    /// Another rank failed; its own error tells why.
    case peerFailed(rank: Int)
    /// Another rank ended while this one waits for it.
    case peerLeft(rank: Int, call: String)
    /// The ranks do not make the same call; `calls` holds each rank's.
    case mismatch(calls: [String])

    public var description: String {
        switch self {
        case .mpi(let call, let rank, let size, let text):
            "\(call) failed on rank \(rank) of \(size): \(text)"
        case .threadSupport:
            "this MPI does not offer MPI_THREAD_SERIALIZED; use an Open MPI built with thread support"
        case .lifetime(let what):
            what
        case .notConnected(let launcher, let expected, let found):
            "\(launcher.rawValue) says this job has \(expected) ranks, but MPI connects \(found). "
                + launcher.remedy
        case .setting(let name, let value, let expected):
            "\(name) is \"\(value)\", expected \(expected)"
        case .peerFailed(let rank):
            "rank \(rank) failed"
        case .peerLeft(let rank, let call):
            "rank \(rank) has ended while others wait for it in \(call); every rank must make the same calls"
        case .mismatch(let calls):
            "the ranks make different calls: "
                + calls.enumerated().map { "rank \($0.offset) \($0.element)" }.joined(separator: ", ")
        }
    }
}

/// `[rank r/N] `, which starts every message that concerns one rank of several.
public func rankPrefix(_ rank: Int, of size: Int) -> String {
    size == 1 ? "" : "[rank \(rank)/\(size)] "
}
