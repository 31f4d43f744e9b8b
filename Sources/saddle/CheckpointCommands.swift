import ArgumentParser
import Training

/// `saddle inspect`.
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what is inside a checkpoint, as JSON.",
        discussion: "Example:\n  saddle inspect runs/digits/checkpoint-50 | jq '.state[].path'")

    @Argument(help: "A directory checkpoint-<step>.") var checkpoint: String

    func run() throws {
        try finish {
            reportingErrors {
                print(try inspection(ofCheckpoint: checkpoint))
                return 0
            }
        }
    }
}

/// `saddle verify`.
struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a checkpoint against its digests; exit code 65 if it is damaged.",
        discussion: "Example:\n  saddle verify runs/digits/checkpoint-50")

    @Argument(help: "A directory checkpoint-<step>.") var checkpoint: String

    func run() throws {
        try finish {
            reportingErrors {
                let report = try verification(ofCheckpoint: checkpoint)
                print(report.json)
                return report.isValid ? 0 : ExitStatus.badData
            }
        }
    }
}
