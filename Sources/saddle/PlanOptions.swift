import ArgumentParser
import Training

/// Options that ask what a job would take, in place of starting it.
struct PlanOptions: ParsableArguments {
    @Flag(
        name: .customLong("dry-run"),
        help: "Prints who does what and the memory it takes, and starts nothing.")
    var isDryRun = false

    @Option(help: "With --dry-run: as if on so many ranks of this machine.")
    var ranks = 1

    func validate() throws {
        guard ranks > 0 else { throw ValidationError("--ranks is \(ranks), must be at least 1") }
    }

    /// - Returns: the exit code.
    func print(_ request: RunRequest) -> Int32 {
        reportingErrors { try planJob(request, ranks: ranks) }
    }
}
