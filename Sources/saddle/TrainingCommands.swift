import ArgumentParser
import Training

/// `saddle align`.
struct Align: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Fine-tune one model so that every reward reaches its threshold, as close to the base as that allows.",
        discussion: """
            Example:
              mpirun -n 2 saddle align examples/digits/alignment.yaml --output runs/digits-alignment
            """)

    @OptionGroup var options: RunOptions

    @Option(
        help: ArgumentHelp(
            "Writes what the first update of this start computes, as safetensors (text-to-image models).",
            valueName: "file"))
    var trace: String?

    @Flag(help: "Prints who does what and the memory it takes, and starts nothing.")
    var dryRun = false

    @Option(help: "With --dry-run: as if on so many ranks of this machine.")
    var ranks = 1

    func validate() throws {
        guard ranks > 0 else { throw ValidationError("--ranks is \(ranks), must be at least 1") }
    }

    func run() throws {
        if dryRun {
            try finish { reportingErrors { try planJob(options.request([.alignment]), ranks: ranks) } }
        }
        var request = options.request([.alignment])
        request.trace = trace
        try finish { runJob(request) }
    }
}

/// `saddle compose`.
struct Compose: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Combine several models: as close as possible to all of them (product), or sampling all (mixture).",
        discussion: """
            Example:
              mpirun -n 2 saddle compose examples/digits/product.yaml --output runs/digits-product
            """)

    @OptionGroup var options: RunOptions

    @Option(
        help: ArgumentHelp(
            "Writes what the first dual iteration of this start computes, as safetensors (text-to-image models).",
            valueName: "file"))
    var trace: String?

    func run() throws {
        var request = options.request([.product, .mixture])
        request.trace = trace
        try finish { runJob(request) }
    }
}

/// `saddle pretrain`.
struct Pretrain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fit score networks to the given models.",
        discussion: """
            Example:
              mpirun -n 2 saddle pretrain examples/digits/product.yaml --set kind=pretraining \\
                --output runs/digits-models
            """)

    @OptionGroup var options: RunOptions

    func run() throws { try finish { runJob(options.request([.pretraining])) } }
}
