import Checkpoints
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
    case readOnlyDisk = "read-only disk"

    /// Whether it needs a file system of its own.
    var needsOwnDisk: Bool { self == .fullDisk || self == .readOnlyDisk }

    /// Exit codes that a start may end with; a kill is 128 + 9 from mpirun and shells alike.
    var allowedExitCodes: Set<Int32> {
        switch self {
        case .crashPoint, .rankKilled, .launcherKilled: [0, 137]
        case .stopFile: [0, 75]
        // Before it is caught, a signal ends the process.
        case .userSignal: [0, 75, 138]
        // mpirun gives its ranks a moment and says 1.
        case .termination: [0, 75, 1, 143]
        // The second job may be the first to take the lock.
        case .secondJob: [0, 73]
        case .fullDisk: [0, 73, 74]
        case .readOnlyDisk: [73, 74]
        }
    }

    /// Starts `job` and disturbs it once.
    func start(
        _ job: Job, _ directory: String, _ launcher: Launcher, _ disk: Disk, _ random: inout SplitMix
    ) throws -> Ending {
        let ranks = [0, 0, 0, 1, 2, 2, 3, 4].randomElement(using: &random) ?? 0
        let moment = Double.random(in: 0...1.1, using: &random) * (job.seconds[ranks] ?? 1)
        switch self {
        case .crashPoint:
            let point = CrashPoint.allCases.randomElement(using: &random) ?? .renamed
            let hit = "\(point.rawValue):\(Int.random(in: 1...6, using: &random))"
            let environment = ["SADDLE_TEST_HOOKS": "1", "SADDLE_CRASH_AT": hit]
            return try launcher.start(job, directory, ranks: ranks, environment: environment)
        case .fullDisk:
            let free = Int.random(in: 0...20, using: &random) * 16_384
            return try disk.withFree(free) { try launcher.start(job, directory, ranks: ranks) }
        case .readOnlyDisk:
            return try disk.withoutWriting { try launcher.start(job, directory, ranks: ranks) }
        case .rankKilled, .launcherKilled, .userSignal, .termination, .stopFile, .secondJob:
            var isDone = false
            var failure: Loss?
            let ending = try launcher.start(job, directory, ranks: ranks) { process, seconds in
                guard !isDone, seconds >= moment, self != .secondJob || Self.isLocked(directory) else { return }
                isDone = true
                failure = strike(process, directory, job, launcher)
            }
            if let failure { throw failure }
            return ending
        }
    }

    /// What is done to the running job, once.
    private func strike(
        _ process: Process, _ directory: String, _ job: Job, _ launcher: Launcher
    ) -> Loss? {
        let launched = process.processIdentifier
        switch self {
        case .rankKilled: kill(Launcher.ranks(in: directory).randomElement() ?? launched, SIGKILL)
        case .userSignal: kill(launched, SIGUSR1)
        case .termination: kill(launched, SIGTERM)
        case .stopFile: _ = FileManager.default.createFile(atPath: "\(directory)/STOP", contents: nil)
        case .secondJob: return startSecond(job, directory, launcher)
        default: kill(launched, SIGKILL)
        }
        return nil
    }

    /// Starts the same job beside the one that runs: it must be refused, unless that one has just ended.
    private func startSecond(_ job: Job, _ directory: String, _ launcher: Launcher) -> Loss? {
        do {
            let ending = try launcher.start(job, directory, ranks: 0, isAlone: false)
            let isRefused = ending.exitCode == 73 && ending.said.contains("another job works")
            return isRefused || ending.exitCode == 0 ? nil : Loss("second job: \(ending)")
        } catch {
            return Loss("second job: \(error)")
        }
    }

    /// The lock file names a job while one works.
    private static func isLocked(_ directory: String) -> Bool {
        var status = stat()
        return stat("\(directory)/.lock", &status) == 0 && status.st_size > 0
    }
}
