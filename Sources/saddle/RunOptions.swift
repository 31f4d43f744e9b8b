import ArgumentParser
import Training

/// Options of the commands that train.
struct RunOptions: ParsableArguments {
    @Argument(help: "The run's YAML file; docs/configuration.md has every key.")
    var config: String

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Overrides one key of the file, as in --set training.steps=10. May be repeated.",
            valueName: "key=value"))
    var overrides: [String] = []

    @Option(help: "Run directory.")
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Goes on from the newest whole checkpoint in --output (latest), from a checkpoint directory, or starts "
                + "afresh where there is none (auto).", valueName: "latest|auto|DIR"))
    var resume: String?

    @Option(help: "Most dual iterations; the same as --set training.steps=N.")
    var steps: Int?

    /// The request as the library takes it.
    func request(_ kinds: Set<RunConfiguration.Kind>) -> RunRequest {
        let overrides = overrides + (steps.map { ["training.steps=\($0)"] } ?? [])
        return RunRequest(
            configuration: config, overrides: overrides, output: output, resume: resume, kinds: kinds)
    }
}

/// Runs `body` and ends the process with its exit code.
func finish(_ body: () throws -> Int32) throws {
    throw ExitCode(try body())
}
