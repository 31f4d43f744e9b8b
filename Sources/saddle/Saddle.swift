import ArgumentParser
import Foundation
import Training

@main
struct Saddle: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "saddle",
        abstract: "Constrained alignment and composition of diffusion models on MPI ranks.",
        discussion: """
            You set thresholds, Saddle finds the multipliers:

              mpirun -n 2 saddle compose examples/digits/product.yaml --output runs/digits
              saddle report runs/digits

            Every run directory holds config.yaml, metrics.jsonl, metrics.csv, TensorBoard events, \
            checkpoint-*/ and summary.json.

            Exit codes:
              0      finished
              64     usage
              65     bad data, corrupt checkpoint
              66     no input
              70     internal error, or a number that is not finite
              73/74  cannot create, cannot write
              75     checkpoint written: start the same command again with --resume auto
              78     configuration
            """,
        version: saddleVersion,
        subcommands: [
            Align.self, Compose.self, Pretrain.self, Sample.self, Tokenize.self, Score.self, Report.self,
            Inspect.self, Verify.self, Export.self, Doctor.self, Bench.self,
        ])

    static func main() {
        // A file beyond the size that the shell allows is then an error like a full disk, and not the end.
        signal(SIGXFSZ, SIG_IGN)
        main(nil)
    }
}
