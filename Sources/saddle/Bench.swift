import ArgumentParser
import Training

/// `saddle bench`.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Time named pieces of work; one JSON object per line.",
        discussion: """
            pretrain and algorithm2 are the training steps that Benchmarks/ compares with PyTorch; kernels is the \
            bandwidth of element-wise functions against memcpy, gemm the speed of matrix products, operations that \
            of convolutions, attention and norms at the sizes of Stable Diffusion; unet, vae and text are its noise \
            predictor, the decoder of its latents and its text encoder with random weights.

            Example:
              saddle bench pretrain algorithm2 --repeats 5 | jq .seconds
              saddle bench unet --batch 2 --latent 64 --backward
            """)

    @Argument(help: "Which ones.") var names: [Benchmark]

    @Option(help: "Measurements to take the median of.") var repeats: Int?

    @Option(help: "Threads; by default OMP_NUM_THREADS, else all cores.") var threads: Int?

    @OptionGroup(title: "Networks") var network: NetworkOptions

    func validate() throws {
        if let repeats, repeats < 1 { throw ValidationError("--repeats is \(repeats), must be at least 1") }
        if let threads, threads < 1 { throw ValidationError("--threads is \(threads), must be at least 1") }
    }

    func run() throws {
        try finish {
            reportingErrors {
                for name in names {
                    print(try name.run(repeats: repeats, threads: threads, network: network.values).json())
                }
                return 0
            }
        }
    }
}

/// Options of the benchmarks of networks.
struct NetworkOptions: ParsableArguments {
    @Option(help: "Structure of the network.") var config = NetworkBenchmarkOptions.Network.sd15

    @Option(help: "Rows of the batch.") var batch = 2

    @Option(help: "Height and width of the latents (unet, vae).") var latent = 64

    @Flag(
        help:
            "Forward and backward: gradients of the latents (unet, vae) and of a LoRA adapter of rank 4 (unet, text)."
    ) var backward = false

    @Flag(help: "With --backward: keep the inputs of layers only (unet, vae).") var segments = false

    @Option(help: "Type of weights and activations.") var dtype = NetworkBenchmarkOptions.Precision.f32

    func validate() throws {
        for (name, value) in [("--batch", batch), ("--latent", latent)] where value < 1 {
            throw ValidationError("\(name) is \(value), must be at least 1")
        }
    }

    var values: NetworkBenchmarkOptions {
        var options = NetworkBenchmarkOptions()
        options.network = config
        (options.batch, options.latent) = (batch, latent)
        (options.isBackward, options.isSegmented) = (backward, segments)
        options.precision = dtype
        return options
    }
}

extension Benchmark: ExpressibleByArgument {}
extension NetworkBenchmarkOptions.Network: ExpressibleByArgument {}
extension NetworkBenchmarkOptions.Precision: ExpressibleByArgument {}
