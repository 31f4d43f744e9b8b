import ArgumentParser
import Training

/// `saddle bench`.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Time named pieces of work; one JSON object per line.",
        discussion: """
            pretrain and algorithm2 are the training steps that Benchmarks/ compares with PyTorch; kernels is the \
            bandwidth of element-wise functions against memcpy, gemm the speed of matrix products, operations that \
            of convolutions, attention and norms at the sizes of Stable Diffusion.

            Example:
              saddle bench pretrain algorithm2 --repeats 5 | jq .seconds
            """)

    @Argument(help: "Which ones.") var names: [Benchmark]

    @Option(help: "Measurements to take the median of.") var repeats: Int?

    @Option(help: "Threads; by default OMP_NUM_THREADS, else all cores.") var threads: Int?

    func validate() throws {
        if let repeats, repeats < 1 { throw ValidationError("--repeats is \(repeats), must be at least 1") }
        if let threads, threads < 1 { throw ValidationError("--threads is \(threads), must be at least 1") }
    }

    func run() throws {
        try finish {
            reportingErrors {
                for name in names { print(try name.run(repeats: repeats, threads: threads).json()) }
                return 0
            }
        }
    }
}

extension Benchmark: ExpressibleByArgument {}
