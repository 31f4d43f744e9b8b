import Foundation

/// A program that ran to its end: its exit code, what it wrote, how long it took.
struct Job {
    struct TimedOut: Error, CustomStringConvertible {
        let description: String
    }

    /// 128 + n where signal n ended it.
    let code: Int32
    let output: String
    let errors: String
    let seconds: Double

    /// Runs `program`, in the environment of this process without what launchers leave in it.
    ///
    /// Errors: `TimedOut` after `limit` seconds, with what the program wrote until then.
    init(
        _ program: URL, _ arguments: [String], environment: [String: String] = [:], limit: Double = 60
    ) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // Files, not pipes: a full pipe would block the program.
        let files = try ["output", "errors"].map { name in
            let url = folder.appendingPathComponent(name)
            try Data().write(to: url)
            return (url, try FileHandle(forWritingTo: url))
        }
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.environment = Self.environment(adding: environment)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = files[0].1
        process.standardError = files[1].1

        let start = Date()
        try process.run()
        while process.isRunning, -start.timeIntervalSinceNow < limit { usleep(5000) }
        let isLate = process.isRunning
        if isLate { process.terminate() }
        process.waitUntilExit()
        seconds = -start.timeIntervalSinceNow
        output = try String(contentsOf: files[0].0, encoding: .utf8)
        errors = try String(contentsOf: files[1].0, encoding: .utf8)
        code = process.terminationStatus + (process.terminationReason == .uncaughtSignal ? 128 : 0)
        if isLate {
            throw TimedOut(description: "\(arguments) ran for \(limit) s:\n\(output)\(errors)")
        }
    }

    /// The program of that name on PATH.
    static func executable(_ name: String) -> URL? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return path.split(separator: ":")
            .map { URL(fileURLWithPath: String($0)).appendingPathComponent(name) }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }

    private static func environment(adding added: [String: String]) -> [String: String] {
        let launchers = ["OMPI_", "PMIX_", "PMI_", "SLURM_", "SADDLE_"]
        var environment = ProcessInfo.processInfo.environment.filter { name, _ in
            !launchers.contains { name.hasPrefix($0) } && !["RANK", "WORLD_SIZE"].contains(name)
        }
        // Containers run tests as root, which Open MPI refuses otherwise.
        environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
        environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
        return environment.merging(added) { $1 }
    }
}
