import TensorCore

/// Convolutions, attention, linear layers and group norm at the sizes of Stable Diffusion 1.5, two images of 64 × 64
/// latents.
struct OperationBenchmark {
    /// A function to time, and its multiply–adds as a direct computation counts them.
    private struct Operation {
        let name: String
        let flops: Double
        let body: () -> Void
    }

    func run(repeats: Int) throws -> BenchmarkResult {
        try verify()
        var cases: [BenchmarkResult.Case] = []
        for operation in convolutions() + linears() + attentions() + norms() {
            operation.body()
            let seconds = medianSeconds(repeats: repeats, operation.body)
            cases.append(
                .init(
                    name: operation.name, seconds: seconds,
                    gflops: operation.flops > 0 ? operation.flops / seconds * 1e-9 : nil))
        }
        return BenchmarkResult(
            name: Benchmark.operations.rawValue, seconds: cases.reduce(0) { $0 + $1.seconds },
            repeats: repeats, gflops: cases.compactMap(\.gflops).max(), cases: cases)
    }

    private func values(_ shape: Shape, _ stream: UInt32) -> Tensor {
        Tensor.normal(shape, key: RandomKey(seed: 0, stream: stream))
    }

    /// Forward, and forward with the gradient of the input.
    private func convolutions() -> [Operation] {
        [(320, 64), (640, 32), (1280, 16), (1280, 8)].flatMap { channels, side in
            let x = values([2, side, side, channels], 0)
            let weight = values([channels, 3, 3, channels], 1)
            let flops = 36 * Double(side * side * channels * channels)
            let convolve = { conv2d($0, weight, padding: Padding(1)) }
            return [
                Operation(name: "convolution \(channels) \(side)x\(side)", flops: flops) { _ = convolve(x) },
                Operation(name: "convolution \(channels) \(side)x\(side) with gradient", flops: 2 * flops) {
                    let leaf = x.tracked()
                    _ = gradients(of: [(convolve(leaf), x)])
                },
            ]
        }
    }

    private func linears() -> [Operation] {
        let sizes = [(8192, 320, 320), (8192, 320, 2560), (2048, 640, 640), (512, 1280, 10240)]
        return sizes.map { rows, inputs, outputs in
            let (x, weight) = (values([rows, inputs], 2), values([outputs, inputs], 3))
            return Operation(
                name: "linear \(rows)x\(inputs)x\(outputs)", flops: 2 * Double(rows * inputs * outputs)
            ) { _ = linear(x, weight) }
        }
    }

    /// Forward, and forward with all gradients: two products of N × M × D, then five more.
    private func attentions() -> [Operation] {
        let sizes = [(4096, 4096, 40), (1024, 1024, 80), (256, 256, 160), (4096, 77, 40)]
        return sizes.flatMap { queries, keys, width in
            let (query, key) = (values([2, queries, 8, width], 4), values([2, keys, 8, width], 5))
            let value = values([2, keys, 8, width], 6)
            let flops = 64 * Double(queries * keys * width)
            let name = "attention \(queries)x\(keys)x\(width)"
            return [
                Operation(name: name, flops: flops) { _ = attention(query, key, value) },
                Operation(name: name + " with gradient", flops: 3.5 * flops) {
                    let leaves = [query, key, value].map { $0.tracked() }
                    _ = gradients(of: [(attention(leaves[0], leaves[1], leaves[2]), query)])
                },
            ]
        }
    }

    private func norms() -> [Operation] {
        let (x, scale) = (values([2, 64, 64, 320], 7), values([320], 8))
        let hidden = values([8192, 2560], 9)
        return [
            Operation(name: "group norm with SiLU 320 64x64", flops: 0) {
                _ = groupNorm(x, groups: 32, scale: scale, shift: scale, silu: true)
            },
            Operation(name: "geglu 8192x2560", flops: 0) { _ = hidden.geglu() },
        ]
    }

    /// A convolution large enough for Winograd's tiles, against double precision.
    private func verify() throws {
        let (x, weight) = (values([2, 16, 16, 64], 10), values([64, 3, 3, 64], 11))
        let found = conv2d(x, weight, padding: Padding(1)).cast(to: .float64)
        let exact = conv2d(x.cast(to: .float64), weight.cast(to: .float64), padding: Padding(1))
        let error = (found - exact).magnitude().reshaped(-1).maximum(axis: 0).item
        guard error < 1e-5 * exact.magnitude().reshaped(-1).maximum(axis: 0).item else {
            throw BenchmarkError(benchmark: .operations, reason: "the convolution is off by \(error)")
        }
    }
}
