import ArgumentParser
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

            Every run directory holds config.yaml, metrics.jsonl, metrics.csv, TensorBoard events, checkpoint-*/ and
            summary.json. Exit codes: 0 finished, 64 usage, 65 bad data or corrupt checkpoint, 66 no input, 70
            internal or not finite, 73/74 cannot write, 75 checkpoint written: start again, 78 configuration.
            """,
        version: saddleVersion,
        subcommands: [
            Align.self, Compose.self, Pretrain.self, Sample.self, Report.self, Inspect.self, Verify.self,
            Doctor.self, Bench.self,
        ])
}
