import Foundation

/// What happens to a job while it runs.
enum Disturbance: String, CaseIterable {
    case crashPoint = "kill at a crash point"
    case rankKilled = "kill of a rank"
    case launcherKilled = "kill of mpirun"
    case userSignal = "SIGUSR1"
    case termination = "SIGTERM"
    case stopFile = "file STOP"
    case secondJob = "second job"
    case fullDisk = "full disk"
    case readOnly = "read-only directory"

    /// Whether a disturbed start may end like that.
    func allows(_ ending: Ending, ranks: Int) -> Bool {
        switch self {
        // 128 + SIGKILL, from mpirun and shells alike.
        case .crashPoint, .rankKilled, .launcherKilled: [0, 137].contains(ending.exitCode)
        case .stopFile: [0, 75].contains(ending.exitCode)
        // While a program is being loaded, signals end it.
        case .userSignal: [0, 75, 128 + SIGUSR1].contains(ending.exitCode)
        // mpirun gives its ranks a moment, and says 1 whatever they say.
        case .termination:
            [0, 75, 128 + SIGTERM].contains(ending.exitCode) || ranks > 0 && ending.exitCode == 1
        case .secondJob: ending.exitCode == 0
        case .fullDisk:
            ending.exitCode == 0
                || [73, 74].contains(ending.exitCode) && ending.says("No space left on device")
        case .readOnly:
            [73, 74].contains(ending.exitCode)
                && (ending.says("Read-only file system") || ending.says("Permission denied"))
        }
    }
}
