import Foundation
import TensorCore

/// Bandwidth of element-wise functions and rows' norms on arrays beyond the cache, against memcpy.
struct KernelBenchmark {
    /// 128 MiB of floats.
    private static let (rows, columns) = (1 << 16, 512)
    private let (x, z): (Tensor, Tensor)

    /// A function, and the bytes it reads and writes per element.
    private typealias Kernel = (name: String, bytes: Int, body: @Sendable (Tensor, Tensor) -> Tensor)

    private static let kernels: [Kernel] = [
        ("affine", 8, { x, _ in x.affine(scale: 2, shift: 1) }),
        ("square", 8, { x, _ in x.squared() }),
        ("exponential", 8, { x, _ in x.exp() }),
        ("silu", 8, { x, _ in x.silu() }),
        ("gelu", 8, { x, _ in x.gelu() }),
        ("add", 12, { x, z in x + z }),
        ("multiply", 12, { x, z in x * z }),
        ("round to bf16", 6, { x, _ in x.cast(to: .bfloat16) }),
        ("softmax", 8, { x, _ in x.softmax() }),
        ("layer norm", 8, { x, _ in layerNorm(x, scale: nil, shift: nil) }),
    ]

    init() {
        x = Tensor.normal([Self.rows, Self.columns], key: RandomKey(seed: 0, stream: 0))
        z = Tensor.normal([Self.rows, Self.columns], key: RandomKey(seed: 0, stream: 1))
    }

    func run(repeats: Int) throws -> BenchmarkResult {
        try verify()
        copy(x, to: z)
        let copying = medianSeconds(repeats: repeats) { copy(x, to: z) }
        let copied = 2 * Double(x.byteCount) / copying * 1e-9
        var cases = [BenchmarkResult.Case(name: "memcpy", seconds: copying, gigabytesPerSecond: copied)]
        for kernel in Self.kernels {
            _ = kernel.body(x, z)
            let seconds = medianSeconds(repeats: repeats) { _ = kernel.body(x, z) }
            let rate = Double(kernel.bytes * x.elementCount) / seconds * 1e-9
            cases.append(
                .init(
                    name: kernel.name, seconds: seconds, gigabytesPerSecond: rate,
                    shareOfMemcpy: rate / copied))
        }
        return BenchmarkResult(
            name: Benchmark.kernels.rawValue, seconds: cases.reduce(0) { $0 + $1.seconds }, repeats: repeats,
            gigabytesPerSecond: copied, shareOfMemcpy: cases.compactMap(\.shareOfMemcpy).min(), cases: cases)
    }

    /// memcpy by all threads.
    private func copy(_ source: Tensor, to target: Tensor) {
        Parallel.ranges(source.byteCount, grain: 1 << 20) { range in
            target.pointer.advanced(by: range.lowerBound).copyMemory(
                from: source.pointer.advanced(by: range.lowerBound), byteCount: range.count)
        }
    }

    /// The longest of the functions on a row, against the C library's exponential in double.
    private func verify() throws {
        let row = x.slice(0..<1)
        for (input, output) in zip(row.doubles, row.silu().doubles) {
            let expected = input / (1 + exp(-input))
            guard abs(output - expected) <= 1e-6 * max(abs(expected), 1e-3) else {
                throw BenchmarkError(
                    benchmark: .kernels, reason: "silu(\(input)) is \(output), expected \(expected)")
            }
        }
    }
}
