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

    @OptionGroup var plan: PlanOptions

    func run() throws {
        var request = options.request([.alignment])
        request.trace = trace
        try finish { plan.isDryRun ? plan.print(request) : runJob(request) }
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

    @OptionGroup var plan: PlanOptions

    func run() throws {
        var request = options.request([.product, .mixture])
        request.trace = trace
        try finish { plan.isDryRun ? plan.print(request) : runJob(request) }
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
