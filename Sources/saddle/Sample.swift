import ArgumentParser
import Training

/// `saddle sample`.
struct Sample: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draw samples from the model of a run on vectors.",
        discussion: """
            Writes DIR/samples.safetensors (tensor `samples`, [N, dimension]) and, where samples are square images, \
            DIR/samples.png; prints the path of the first. The same seed gives the same samples.

            Example:
              saddle sample --model runs/digits-product --count 256 --seed 1 --output samples
            """)

    @Option(help: "Run directory, or a model.safetensors of one.")
    var model: String

    @Option(help: "Number of samples.")
    var count = 64

    @Option(help: "Seed of all random numbers.")
    var seed: UInt64 = 0

    @Option(help: "Directory to write to.")
    var output: String

    func validate() throws {
        guard count > 0 else { throw ValidationError("--count must be at least 1, got \(count).") }
    }

    func run() throws {
        try finish {
            reportingErrors {
                print(try writeSamples(of: model, count: count, seed: seed, to: output))
                return 0
            }
        }
    }
}
