import Foundation
import Synchronization

/// A request to save and stop at the next step; ranks agree on the one of the greatest raw value.
public enum Interruption: Int, Sendable, CustomStringConvertible {
    /// A file `STOP` in the run directory.
    case stopFile = 1
    /// SIGUSR1, as batch systems send some time before the limit.
    case userSignal = 2
    /// SIGTERM: the machine is about to be taken away. Saving is worth a try.
    case terminated = 3

    public var description: String {
        switch self {
        case .terminated: "SIGTERM"
        case .userSignal: "SIGUSR1"
        case .stopFile: "file STOP"
        }
    }
}

/// Notices requests to stop; asking is cheap enough for every step.
///
/// In a job of several ranks each one asks, and the ranks agree before any of them acts.
public struct InterruptionMonitor: Sendable {
    public static let stopFileName = "STOP"

    private let stopFile: String

    /// Starts to catch SIGUSR1 and SIGTERM, once and for the whole process; they no longer end it.
    public init(runDirectory: String) {
        stopFile = "\(CheckpointStore.withoutTrailingSlash(runDirectory))/\(InterruptionMonitor.stopFileName)"
        InterruptionMonitor.catchSignals()
    }

    /// The most urgent request so far, if any.
    public func pending() -> Interruption? {
        let signals = caughtSignals.load(ordering: .relaxed)
        if signals & SignalBit.terminate != 0 { return .terminated }
        if signals & SignalBit.user != 0 { return .userSignal }
        return DurableFile.exists(stopFile) ? .stopFile : nil
    }

    /// Forgets the requests and deletes the file `STOP`, lest it stop the next start at once.
    ///
    /// Call when the request has been carried out.
    public func acknowledge() throws {
        caughtSignals.store(0, ordering: .relaxed)
        if unlink(stopFile) != 0, errno != ENOENT {
            throw CheckpointError.writeFailed(operation: "delete", path: stopFile, code: errno)
        }
    }

    /// The handler does one atomic operation on a global that exists before it is installed: no lock, no
    /// memory.
    ///
    /// SA_RESTART keeps writes and MPI calls from failing with EINTR.
    private static func catchSignals() {
        _ = caughtSignals.load(ordering: .relaxed)
        var action = sigaction()
        sigemptyset(&action.sa_mask)
        action.sa_flags = SA_RESTART
        action.__sigaction_handler.sa_handler = { signal in
            caughtSignals.bitwiseOr(
                signal == SIGTERM ? SignalBit.terminate : SignalBit.user, ordering: .relaxed)
        }
        for signal in [SIGUSR1, SIGTERM] { sigaction(signal, &action, nil) }
    }
}

private enum SignalBit {
    static let user: UInt32 = 1
    static let terminate: UInt32 = 2
}

private let caughtSignals = Atomic<UInt32>(0)
