import Foundation

/// What a finished command left behind.
public struct CommandResult: Sendable {
    public let standardOutput: String
    public let standardError: String
    /// Exit code, or 128 + signal.
    public let exitCode: Int32
    /// Whether it was killed for running too long.
    public let timedOut: Bool
}

/// Runs other programs, as a shell would and as tests must: with a time limit and without this process's MPI.
public enum Subprocess {
    /// Where the package's executables are built: the directory of the running test bundle.
    public static var productsDirectory: URL {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    }

    /// Runs the built `saddle`.
    public static func saddle(
        _ arguments: [String], environment: [String: String] = [:], directory: URL? = nil,
        timeout: TimeInterval = 60
    ) throws -> CommandResult {
        try run(
            productsDirectory.appendingPathComponent("saddle").path, arguments, environment: environment,
            directory: directory, timeout: timeout)
    }

    /// Runs the built `saddle` on `ranks` ranks, one thread each.
    public static func mpirun(
        ranks: Int, _ arguments: [String], environment: [String: String] = [:], directory: URL? = nil,
        timeout: TimeInterval = 120
    ) throws -> CommandResult {
        let launch = ["-n", "\(ranks)", "--oversubscribe", "--bind-to", "none"]
        let defaults = [
            "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMP_NUM_THREADS": "1",
        ]
        return try run(
            "/usr/bin/env",
            ["mpirun"] + launch + [productsDirectory.appendingPathComponent("saddle").path] + arguments,
            environment: defaults.merging(environment) { $1 }, directory: directory, timeout: timeout)
    }

    /// Runs a program to its end or to the time limit, then kills it with all it started.
    ///
    /// - Parameter environment: added to this process's own, from which MPI's variables are taken out: a child
    ///   that inherits them believes it is a rank.
    public static func run(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:],
        directory: URL? = nil, timeout: TimeInterval = 60
    ) throws -> CommandResult {
        try withTemporaryDirectory { scratch in
            // Files, unlike pipes, do not stay open with a grandchild that outlives the command.
            let output = scratch.appendingPathComponent("stdout")
            let error = scratch.appendingPathComponent("stderr")
            let process = Process()
            process.executableURL = URL(fileURLWithPath: executable)
            process.arguments = arguments
            process.environment = inherited().merging(environment) { $1 }
            process.currentDirectoryURL = directory
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = try newFile(output)
            process.standardError = try newFile(error)
            let timedOut = try waitForExit(of: process, timeout: timeout)
            let status = process.terminationStatus
            return CommandResult(
                standardOutput: try text(of: output), standardError: try text(of: error),
                exitCode: process.terminationReason == .uncaughtSignal ? 128 + status : status,
                timedOut: timedOut)
        }
    }

    /// Starts `process` and waits; true if the time limit ended it.
    private static func waitForExit(of process: Process, timeout: TimeInterval) throws -> Bool {
        let exited = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in exited.signal() }
        try process.run()
        guard exited.wait(timeout: .now() + timeout) == .timedOut else { return false }
        // Foundation starts each child in its own process group.
        kill(-process.processIdentifier, SIGKILL)
        kill(process.processIdentifier, SIGKILL)
        exited.wait()
        return true
    }

    private static func inherited() -> [String: String] {
        ProcessInfo.processInfo.environment.filter { name, _ in
            !["OMPI_", "PMIX_", "PMI_"].contains { name.hasPrefix($0) }
        }
    }

    private static func newFile(_ url: URL) throws -> FileHandle {
        try Data().write(to: url)
        return try FileHandle(forWritingTo: url)
    }

    private static func text(of url: URL) throws -> String {
        String(decoding: try Data(contentsOf: url), as: UTF8.self)
    }
}
