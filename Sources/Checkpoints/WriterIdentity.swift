import Foundation

/// The process that holds a run directory or wrote a checkpoint.
public struct WriterIdentity: Sendable, Equatable, Codable, CustomStringConvertible {
    public let host: String
    public let pid: Int32
    /// `SLURM_JOB_ID`, if the process runs under Slurm; a requeued job keeps it.
    public let job: String?
    /// How often Slurm has requeued the job (`SLURM_RESTART_COUNT`).
    public let restarts: Int
    /// When the process took the lock, ISO 8601.
    public let started: String

    public init(host: String, pid: Int32, job: String?, restarts: Int, started: String) {
        self.host = host
        self.pid = pid
        self.job = job
        self.restarts = restarts
        self.started = started
    }

    /// The calling process.
    public static func current() -> WriterIdentity {
        let environment = ProcessInfo.processInfo.environment
        return WriterIdentity(
            host: hostName(), pid: getpid(), job: environment["SLURM_JOB_ID"],
            restarts: environment["SLURM_RESTART_COUNT"].flatMap { Int($0) } ?? 0,
            started: Date.now.formatted(.iso8601))
    }

    /// `gethostname`; Foundation's host name may wait for a name server.
    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    public var description: String {
        let jobText = job.map { ", Slurm job \($0)" } ?? ""
        return "process \(pid) on \(host)\(jobText), since \(started)"
    }

    /// Whether this process is certainly gone, as far as `observer` can know: it ran before the same Slurm job
    /// was requeued, or is a process of the observer's host that no longer exists.
    ///
    /// A process id that was given to another process meanwhile counts as alive.
    package func isGone(seenBy observer: WriterIdentity) -> Bool {
        if let job, job == observer.job, restarts < observer.restarts { return true }
        guard host == observer.host, pid > 0 else { return false }
        return pid == observer.pid || (kill(pid, 0) != 0 && errno == ESRCH)
    }
}
