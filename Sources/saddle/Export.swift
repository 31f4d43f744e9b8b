import ArgumentParser
import Training

/// `saddle export`.
struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a checkpoint's adapter for diffusers, or for Automatic1111 and ComfyUI (kohya).",
        discussion: """
            Example:
              saddle export runs/animals/checkpoint-50 --format kohya --output animals.safetensors
            """)

    @Argument(help: "A directory checkpoint-<step>.") var checkpoint: String
    @Option(help: "diffusers or kohya.") var format: String
    @Option(help: ArgumentHelp("The file to write.", valueName: "file")) var output: String

    func run() throws {
        try finish {
            reportingErrors {
                try exportAdapter(ofCheckpoint: checkpoint, format: format, to: output)
                return 0
            }
        }
    }
}
