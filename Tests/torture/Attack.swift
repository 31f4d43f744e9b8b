import Checkpoints
import Foundation

/// A disturbance of one start, with all choices made.
struct Attack: CustomStringConvertible {
    let disturbance: Disturbance
    let start: Start
    /// Seconds after the start at which something is done to it.
    private let moment: Double
    let crashPoint: CrashPoint
    /// Which time the process comes to the crash point.
    private let pass: Int
    /// Bytes left on the disk.
    private let free: Int
    /// Chooses the rank.
    private let aim: Int

    init(_ disturbance: Disturbance, on start: Start, _ pace: Pace, _ random: inout SplitMix) {
        (self.disturbance, self.start) = (disturbance, start)
        // The end comes sooner in starts that resume.
        moment = Double.random(in: 0...0.75, using: &random) * pace.expected(start)
        crashPoint = CrashPoint.allCases.randomElement(using: &random) ?? .renamed
        pass = Int.random(in: 1...4, using: &random)
        free = Int.random(in: 0...20, using: &random) * 8192
        aim = Int.random(in: 0..<12, using: &random)
    }

    var description: String {
        let detail =
            switch disturbance {
            case .crashPoint: crash
            case .fullDisk: "\(free) bytes free"
            case .readOnly: ""
            default: String(format: "after %.3f s", moment)
            }
        return "\(disturbance.rawValue) \(detail), \(start.ranks) ranks"
    }

    private var crash: String { "\(crashPoint.rawValue):\(pass)" }

    /// Starts the job and disturbs it once.
    ///
    /// - Returns: how it ended, and whether the disturbance came before the end.
    /// - Throws: `Loss`.
    func run(_ launcher: Launcher, _ disk: Disk) throws -> (ending: Ending, hasStruck: Bool) {
        switch disturbance {
        case .crashPoint:
            let environment = ["SADDLE_TEST_HOOKS": "1", "SADDLE_CRASH_AT": crash]
            let ending = try launcher.run(start, environment: environment)
            return (ending, ending.exitCode == 137)
        case .fullDisk:
            let ending = try disk.withFree(free) { try launcher.run(start) }
            return (ending, ending.exitCode != 0)
        case .readOnly:
            return (try disk.withoutWriting(in: start.directory) { try launcher.run(start) }, true)
        default:
            var hasStruck = false
            let ending = try launcher.run(start) { child, seconds in
                guard !hasStruck, seconds >= moment else { return }
                hasStruck = try strike(child.id, launcher)
            }
            return (ending, hasStruck)
        }
    }

    /// - Returns: false if there was nothing to strike yet.
    private func strike(_ launched: pid_t, _ launcher: Launcher) throws -> Bool {
        switch disturbance {
        case .rankKilled:
            let ranks = Launcher.processes(in: start.directory).sorted()
            kill(ranks.isEmpty ? launched : ranks[aim % ranks.count], SIGKILL)
        case .userSignal: kill(launched, SIGUSR1)
        case .termination: kill(launched, SIGTERM)
        case .stopFile:
            return FileManager.default.createFile(atPath: "\(start.directory)/STOP", contents: nil)
        case .secondJob: return try startSecond(launcher)
        default: kill(launched, SIGKILL)
        }
        return true
    }

    /// Starts the same job once more while the process that holds the directory is stopped, so that it cannot
    /// end meanwhile: the second must be refused.
    private func startSecond(_ launcher: Launcher) throws -> Bool {
        guard let holder = holder() else { return false }
        kill(holder, SIGSTOP)
        defer { kill(holder, SIGCONT) }
        guard Launcher.hasStopped(holder), self.holder() == holder else { return false }
        let second = try launcher.run(start, isAlone: false)
        guard second.exitCode == 73, second.says("another job works") else {
            throw Loss("second job: \(second)")
        }
        return true
    }

    /// The living process of the job that the lock names.
    private func holder() -> pid_t? {
        let text = FileManager.default.contents(atPath: "\(start.directory)/\(RunLock.fileName)")
        let named = text.flatMap { try? JSONDecoder().decode(WriterIdentity.self, from: $0) }?.pid
        return Launcher.processes(in: start.directory).first { $0 == named }
    }
}
