import TensorCore

/// Matrix products of the sizes the score network's training and sampling have, and large ones.
struct ProductBenchmark {
    /// c = a · b, or with one of them transposed, as in a layer's forward and backward passes.
    private struct Product {
        let rows, columns, depth: Int
        var transposeA = false
        var transposeB = false

        var name: String { "\(rows)x\(columns)x\(depth)" + (transposeA ? " TN" : transposeB ? " NT" : " NN") }
        var gflop: Double { 2e-9 * Double(rows) * Double(columns) * Double(depth) }
    }

    private static let products = [
        // Sampling with 64 chains; training with 256 samples: forward, gradient of the input, of the weight.
        Product(rows: 64, columns: 256, depth: 256, transposeB: true),
        Product(rows: 256, columns: 256, depth: 256, transposeB: true),
        Product(rows: 256, columns: 256, depth: 256),
        Product(rows: 256, columns: 256, depth: 256, transposeA: true),
        Product(rows: 4096, columns: 256, depth: 256, transposeB: true),
        Product(rows: 2048, columns: 2048, depth: 2048),
    ]

    func run(repeats: Int) throws -> BenchmarkResult {
        let cases = try Self.products.map { product in
            let (a, b) = operands(product)
            try verify(product, a, b)
            // Every thread has products of its own, as micro-batches do; a product of 1 ms or more is shared.
            let count = max(1, Int(1 / product.gflop))
            let seconds = try medianSeconds(repeats: repeats) { try multiply(product, a, b, count: count) }
            let single = seconds / Double(count)
            return BenchmarkResult.Case(name: product.name, seconds: single, gflops: product.gflop / single)
        }
        return BenchmarkResult(
            name: Benchmark.gemm.rawValue, seconds: cases.reduce(0) { $0 + $1.seconds }, repeats: repeats,
            gflops: cases.compactMap(\.gflops).max(), cases: cases)
    }

    private func multiply(_ product: Product, _ a: Tensor, _ b: Tensor, count: Int) throws {
        let once: @Sendable () -> Void = {
            _ = matmul(a, b, transposeA: product.transposeA, transposeB: product.transposeB)
        }
        guard count > 1 else { return once() }
        _ = try Parallel.map(Parallel.threads) { thread in
            let (first, last) = (count * thread / Parallel.threads, count * (thread + 1) / Parallel.threads)
            for _ in first..<last { once() }
        }
    }

    private func operands(_ product: Product) -> (Tensor, Tensor) {
        let (m, n, k) = (product.rows, product.columns, product.depth)
        let key = RandomKey(seed: 0, stream: 0)
        return (
            .normal(product.transposeA ? [k, m] : [m, k], key: key),
            .normal(product.transposeB ? [n, k] : [k, n], key: key.at(step: 1))
        )
    }

    /// Row sums of the product in double: c · 1 = a · (b · 1).
    private func verify(_ product: Product, _ a: Tensor, _ b: Tensor) throws {
        let ones = Tensor.ones([product.columns, 1], dtype: .float64)
        let expected = matmul(
            a.cast(to: .float64), matmul(b.cast(to: .float64), ones, transposeA: product.transposeB),
            transposeA: product.transposeA)
        let found = matmul(a, b, transposeA: product.transposeA, transposeB: product.transposeB)
        let error = (found.cast(to: .float64).sum(axis: 1, keepingAxis: true) - expected).magnitude()
        let scale = Double(product.columns * product.depth).squareRoot()
        guard let worst = error.maximum(axis: 0).doubles.first, worst < 1e-4 * scale else {
            throw BenchmarkError(benchmark: .gemm, reason: "\(product.name) is wrong")
        }
    }
}
