import Foundation
import TensorCore

/// A named piece of work that `saddle bench` times; `Benchmarks/README.md` says what each one does.
public enum Benchmark: String, CaseIterable, Sendable {
    case pretrain, algorithm2, kernels, gemm, operations, unet, vae, text

    /// Times the benchmark.
    ///
    /// - Parameters:
    ///   - repeats: measurements to take the median of; nil for the benchmark's own number.
    ///   - threads: nil for what the environment says, else all cores.
    ///   - network: for the benchmarks of networks.
    /// - Throws: `BenchmarkError` if what was computed is wrong, which would make its time worthless.
    public func run(
        repeats: Int? = nil, threads: Int? = nil, network: NetworkBenchmarkOptions = NetworkBenchmarkOptions()
    ) throws -> BenchmarkResult {
        Parallel.configure(threads: threads ?? threadsPerRank(localSize: 1))
        return switch self {
        case .pretrain: try PretrainingBenchmark().run(repeats: repeats ?? 3)
        case .algorithm2: try DualIterationBenchmark().run(repeats: repeats ?? 9)
        case .kernels: try KernelBenchmark().run(repeats: repeats ?? 15)
        case .gemm: try ProductBenchmark().run(repeats: repeats ?? 15)
        case .operations: try OperationBenchmark().run(repeats: repeats ?? 7)
        case .unet: try UNetBenchmark(network).run(repeats: repeats ?? 3)
        case .vae: try AutoencoderBenchmark(network).run(repeats: repeats ?? 3)
        case .text: try TextBenchmark(network).run(repeats: repeats ?? 9)
        }
    }
}

/// A benchmark whose result is not what it must be.
public struct BenchmarkError: ExitCoded, CustomStringConvertible {
    let benchmark: Benchmark
    let reason: String

    public var exitCode: Int32 { ExitStatus.internal }
    public var description: String { "bench \(benchmark.rawValue): \(reason), so its time means nothing" }
}

/// What a benchmark measured; one JSON object.
public struct BenchmarkResult: Encodable, Sendable {
    /// One of several things a benchmark times.
    public struct Case: Encodable, Sendable {
        public var name: String
        /// Median.
        public var seconds: Double
        public var gflops: Double?
        /// 10⁹ bytes read and written per second.
        public var gigabytesPerSecond: Double?
        /// Bandwidth over that of memcpy on as many threads.
        public var shareOfMemcpy: Double?
    }

    public var name: String
    /// Median of the repeats; of all cases together where there are several.
    public var seconds: Double
    public var repeats: Int
    public var threads = Parallel.threads
    /// Floating-point operations of the matrix products per second, in 10⁹.
    public var gflops: Double?
    public var gigabytesPerSecond: Double?
    /// Most memory that tensors had at once, the weights included.
    public var peakBytes: Int?
    public var weightBytes: Int?
    /// By how much the memory of the process grew in the first pass.
    public var activationBytes: Int?
    /// The smallest of the cases.
    public var shareOfMemcpy: Double?
    /// The kernels OpenBLAS chose.
    public var blasCore = MatrixLibrary.core
    public var cases: [Case]?

    /// The object on one line.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

/// Seconds that `work` takes: the median of `repeats` runs. The caller warms up.
func medianSeconds(repeats: Int, _ work: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    let seconds = try (0..<repeats).map { _ in try clock.measure(work) / .seconds(1) }.sorted()
    return (seconds[(repeats - 1) / 2] + seconds[repeats / 2]) / 2
}
