/// The whole job, as one rank sees it: starts and ends MPI, and turns errors into exit codes.
public enum World {
    /// Names the seconds without progress after which each rank says where it is; unset or 0 for never.
    public static let watchdogVariable = "SADDLE_WATCHDOG_SECONDS"

    /// The communicator of all ranks: MPI's under an MPI launcher, else that of a single rank.
    ///
    /// Errors: `CommunicationError`.
    public static func open(environment: [String: String]) throws -> any Communicator {
        let limit = try watchdogLimit(environment)
        let needsMPI = try Launch(environment: environment).needsMPI()
        let world: any Communicator =
            needsMPI ? try MPICommunicator.start(environment: environment) : SingleCommunicator()
        guard world.size > 1 || limit > 0 else { return world }
        return WatchedCommunicator(world, limit: limit > 0 ? limit : nil)
    }

    /// Runs `body` as the program of this rank and returns the exit code for the process.
    ///
    /// * `body` returns: MPI ends, its value is the exit code.
    /// * `body` throws an `AgreedError`: so do all ranks; one prints it, MPI ends.
    /// * `body` throws anything else: this rank alone may know. It prints the error after
    ///   `[rank r/N]` and aborts the job, which ends all ranks with the exit code.
    ///
    /// - Parameter exitCode: the exit code for an error; a `RankError` brings its own.
    public static func run(
        environment: [String: String], exitCode: (any Error) -> Int32,
        report: (String) -> Void = writeToStandardError, _ body: (any Communicator) throws -> Int32
    ) -> Int32 {
        let communicator: any Communicator
        do {
            communicator = try open(environment: environment)
        } catch {
            let launch = Launch(environment: environment)
            report(rankPrefix(launch.rank ?? 0, of: launch.size ?? 1) + "\(error)")
            return abortCode(exitCode(error))
        }
        do {
            let code = try body(communicator)
            try MPICommunicator.finish()
            return code
        } catch let error as any AgreedError {
            let prefix = error is RankError ? "" : rankPrefix(communicator.rank, of: communicator.size)
            if communicator.rank == error.reportingRank { report(prefix + "\(error)") }
            let code = abortCode((error as? RankError)?.exitCode ?? exitCode(error))
            do { try MPICommunicator.finish() } catch { communicator.abort(code: code) }
            return code
        } catch {
            report(rankPrefix(communicator.rank, of: communicator.size) + "\(error)")
            communicator.abort(code: exitCode(error))
        }
    }

    private static func watchdogLimit(_ environment: [String: String]) throws -> Double {
        guard let text = environment[watchdogVariable], !text.isEmpty else { return 0 }
        guard let seconds = Double(text), seconds.isFinite, seconds >= 0 else {
            throw CommunicationError.setting(
                name: watchdogVariable, value: text, expected: "a number of seconds, 0 for never")
        }
        return seconds
    }
}
