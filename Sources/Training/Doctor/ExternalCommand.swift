import Foundation

/// Programs of the system that the doctor asks.
package enum ExternalCommand {
    package struct Outcome: Sendable {
        /// 128 + signal where one ended it.
        package let exitCode: Int32
        /// Standard output and standard error.
        package let output: String
        package let timedOut: Bool

        package init(exitCode: Int32, output: String, timedOut: Bool = false) {
            self.exitCode = exitCode
            self.output = output
            self.timedOut = timedOut
        }
    }

    /// Path of a program on PATH.
    package static func path(of name: String, in environment: [String: String]) -> String? {
        (environment["PATH"] ?? "").split(separator: ":").lazy.map { "\($0)/\(name)" }
            .first { access($0, X_OK) == 0 }
    }

    /// Runs a program to its end, or kills it after `timeout` seconds with all it started.
    ///
    /// - Returns: nil if it cannot be started.
    package static func run(
        _ executable: String, _ arguments: [String], environment: [String: String], timeout: Double
    ) -> Outcome? {
        let scratch = FileManager.default.temporaryDirectory
            .appendingPathComponent("saddle-doctor-\(UUID().uuidString)")
        // A file, unlike a pipe, neither fills up nor stays open with a grandchild.
        guard FileManager.default.createFile(atPath: scratch.path, contents: nil),
            let handle = try? FileHandle(forWritingTo: scratch)
        else { return nil }
        defer { try? FileManager.default.removeItem(at: scratch) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        guard (try? process.run()) != nil else { return nil }
        let timedOut = ended.wait(timeout: .now() + timeout) == .timedOut
        if timedOut {
            // Foundation starts each child in its own process group.
            kill(-process.processIdentifier, SIGKILL)
            kill(process.processIdentifier, SIGKILL)
            ended.wait()
        }
        let status = process.terminationStatus
        return Outcome(
            exitCode: process.terminationReason == .uncaughtSignal ? 128 + status : status,
            output: fileText(scratch.path) ?? "", timedOut: timedOut)
    }
}
