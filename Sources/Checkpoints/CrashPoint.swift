import Foundation
import Synchronization

/// The steps of saving and rotating, by the names under which a test can kill the process right after one.
///
/// With `SADDLE_TEST_HOOKS=1` and `SADDLE_CRASH_AT=<point>:<n>` in the environment the process kills itself
/// (SIGKILL) the n-th time it gets there. Without both variables a hit costs one load.
public enum CrashPoint: String, CaseIterable, Sendable {
    case saveBegun = "save-begun"
    case stagingCreated = "staging-created"
    case ownerWritten = "owner-written"
    case filePartlyWritten = "file-partly-written"
    case stateWritten = "state-written"
    case configurationWritten = "configuration-written"
    case extraFileWritten = "extra-file-written"
    case manifestWritten = "manifest-written"
    case ownerRemoved = "owner-removed"
    case stagingSynced = "staging-synced"
    case damagedMovedAside = "damaged-moved-aside"
    case renamed = "renamed"
    case runDirectorySynced = "run-directory-synced"
    case reread = "reread"
    case rotationBegun = "rotation-begun"
    case trashRenamed = "trash-renamed"
    case trashFileRemoved = "trash-file-removed"
    case trashRemoved = "trash-removed"
    case rotationEnded = "rotation-ended"

    /// Kills the process if this is where it was told to die.
    @inline(__always)
    public func hit() {
        guard let armed = CrashPoint.armed else { return }
        armed.hit(self)
    }

    private static let armed = ArmedCrash(environment: ProcessInfo.processInfo.environment)
}

/// The one crash that the environment asks for.
private final class ArmedCrash: Sendable {
    private let point: CrashPoint
    private let hitsLeft: Atomic<Int>

    init?(environment: [String: String]) {
        guard environment["SADDLE_TEST_HOOKS"] == "1", let text = environment["SADDLE_CRASH_AT"] else {
            return nil
        }
        let parts = text.split(separator: ":")
        let point = parts.first.flatMap { CrashPoint(rawValue: String($0)) }
        let hits = parts.count == 2 ? Int(parts[1]) : nil
        guard let point, let hits, hits > 0 else {
            preconditionFailure(
                "SADDLE_CRASH_AT: got '\(text)', expected <point>:<n> with a point of "
                    + CrashPoint.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self.point = point
        hitsLeft = Atomic(hits)
    }

    func hit(_ place: CrashPoint) {
        guard place == point else { return }
        if hitsLeft.subtract(1, ordering: .relaxed).newValue == 0 { kill(getpid(), SIGKILL) }
    }
}
