import Layers
import TensorCore

/// A network with random weights and inputs: a forward pass, or a forward and a backward pass.
protocol NetworkBenchmark {
    static var benchmark: Benchmark { get }
    var model: any Module { get }
    /// Operations of a pass in the products of matrices, two per multiply-add.
    var operations: Double { get }
    /// The network's output, or the last of the gradients; NaN where one is missing.
    func pass() -> Tensor
}

extension NetworkBenchmark {
    func run(repeats: Int) throws -> BenchmarkResult {
        let allocator = CPUBackend.shared.allocator
        allocator.releaseCached()
        allocator.resetPeak()
        let resident = ResidentMemory()
        try verify(pass())
        let growth = resident?.growth
        var result = Tensor.zeros([1])
        let seconds = medianSeconds(repeats: repeats) { result = pass() }
        try verify(result)
        return BenchmarkResult(
            name: Self.benchmark.rawValue, seconds: seconds, repeats: repeats,
            gflops: operations * 1e-9 / seconds, peakBytes: allocator.statistics.peak,
            weightBytes: model.parameters.reduce(0) { $0 + $1.value.byteCount }, activationBytes: growth)
    }

    private func verify(_ result: Tensor) throws {
        let values = result.floats
        guard values.allSatisfy(\.isFinite), values.contains(where: { $0 != 0 }) else {
            throw BenchmarkError(benchmark: Self.benchmark, reason: "the result is zero, or not finite")
        }
    }
}

/// Gradients of half the sum of squares of `y`; the last of them, or NaN where one of them is missing.
func lastGradient(of y: Tensor, for inputs: [Tensor]) -> Tensor {
    let gradients = gradients(of: [(y, y.detached)])
    let found = inputs.compactMap { gradients[$0] }
    return found.count == inputs.count ? found[found.count - 1] : y.detached * .nan
}

/// Operations in the products of a network's forward pass, two per multiply-add.
struct NetworkWork {
    /// Convolutions and linear layers.
    var weightProducts = 0.0
    /// Scores of attention, and their sums of values.
    var attentionProducts = 0.0

    /// Forward alone, or with the adjoint of the inputs: the base is frozen. Attention has five products in its adjoint
    /// for two.
    func operations(isBackward: Bool) -> Double {
        isBackward ? 2 * weightProducts + 3.5 * attentionProducts : weightProducts + attentionProducts
    }
}
