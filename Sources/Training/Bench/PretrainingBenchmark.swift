import Distributed
import Models
import TensorCore

/// 1,000 training steps of a score network on 2-D data at batch 512.
struct PretrainingBenchmark {
    private static let (points, batch, steps, warmup) = (65_536, 512, 1_000, 50)
    private static let variance = 0.3
    private let fit: DenoisingFit
    private let source: DenoisingFit.Source
    private let optimalLoss: Double

    init() throws {
        let schedule = try ScoreNetworkWork.schedule()
        let key = RandomPurpose.data.key(seed: 0)
        let data =
            Tensor.normal([Self.points, ScoreNetworkWork.dimension], key: key) * Self.variance.squareRoot()
        let rows = SampleSource.rows(data)
        guard let reference = rows.moments() else {
            throw TrainingError.degenerateData(model: Benchmark.pretrain.rawValue)
        }
        let settings = DenoisingSettings(
            steps: 4 * Self.steps, batch: Self.batch, microBatch: 256,
            learningRate: 1e-3, weightDecay: 1e-4, gradientClip: 1)
        fit = DenoisingFit(
            ScoreNetworkWork.network(reference, schedule), settings, seed: 0, model: 0)
        source = { samples, step in (rows.samples(samples, key: key.at(step: step)), nil) }
        // E ‖ε − E[ε|x]‖²/d = ᾱ s² / (ᾱ s² + 1 − ᾱ) at each noise level.
        let levels = schedule.alphasCumprod.map { $0 * Self.variance / ($0 * Self.variance + 1 - $0) }
        optimalLoss = levels.reduce(0, +) / Double(levels.count)
    }

    func run(repeats: Int) throws -> BenchmarkResult {
        _ = try losses(Self.warmup)
        var last: [Double] = []
        let seconds = try medianSeconds(repeats: repeats) { last = try losses(Self.steps) }
        let loss = last.reduce(0, +) / Double(last.count)
        guard abs(loss - optimalLoss) < 0.05 * optimalLoss else {
            throw BenchmarkError(
                benchmark: .pretrain, reason: "the loss is \(loss), and the best possible is \(optimalLoss)")
        }
        let forward = ScoreNetworkWork.forwardGFLOP(rows: Self.batch, timeRows: Self.batch)
        return BenchmarkResult(
            name: Benchmark.pretrain.rawValue, seconds: seconds, repeats: repeats,
            gflops: 3 * Double(Self.steps) * forward / seconds)
    }

    private func losses(_ steps: Int) throws -> [Double] {
        let communicator = SingleCommunicator()
        return try (0..<steps).map { _ in try fit.update(from: source, over: communicator) }
    }
}
