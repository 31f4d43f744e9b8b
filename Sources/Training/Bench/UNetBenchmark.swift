import Layers
import Models
import TensorCore

/// A forward pass of the UNet with random weights, or a forward and a backward pass with a LoRA adapter of rank 4.
struct UNetBenchmark {
    private static let (tokens, rank, timestep) = (77, 4, 500.0)
    private let options: NetworkBenchmarkOptions
    private let configuration: UNetConfiguration
    private let model: UNet2DConditionModel
    private let adapter: LoRAAdapter
    private let latents: Tensor
    private let context: Tensor
    private let weightBytes: Int

    init(_ options: NetworkBenchmarkOptions) {
        self.options = options
        configuration =
            switch options.network {
            case .sd15: .stableDiffusion1
            }
        let key = RandomKey(seed: 0, stream: 0)
        let dtype = options.precision.dtype
        model = UNet2DConditionModel(
            ParameterSource(random: Initializer(key: key), dtype: dtype), configuration)
        adapter = LoRAAdapter(adapting: model, rank: Self.rank, key: key.at(step: 1))
        let width = configuration.levels[0].context
        let size = options.latent
        latents = Tensor.normal([options.batch, size, size, configuration.inChannels], key: key.at(step: 2))
            .cast(to: dtype)
        context = Tensor.normal([options.batch, Self.tokens, width], key: key.at(step: 3)).cast(to: dtype)
        weightBytes = model.parameters.reduce(0) { $0 + $1.value.byteCount }
    }

    func run(repeats: Int) throws -> BenchmarkResult {
        let allocator = CPUBackend.shared.allocator
        try verify(pass())
        allocator.releaseCached()
        allocator.resetPeak()
        var result = latents
        let seconds = medianSeconds(repeats: repeats) { result = pass() }
        try verify(result)
        let forward = UNetWork(
            configuration, batch: options.batch, latent: options.latent, tokens: Self.tokens)
        // The adjoint of the inputs alone: the base is frozen. Attention has five products there for two.
        let operations =
            options.isBackward
            ? 2 * forward.weightProducts + 3.5 * forward.attentionProducts
            : forward.weightProducts + forward.attentionProducts
        return BenchmarkResult(
            name: Benchmark.unet.rawValue, seconds: seconds, repeats: repeats,
            gflops: operations * 1e-9 / seconds, peakBytes: allocator.statistics.peak,
            weightBytes: weightBytes)
    }

    /// The noise prediction, or the gradient of its mean square with respect to one of the adapter's factors.
    private func pass() -> Tensor {
        guard options.isBackward else {
            return model(latents, timesteps: [Self.timestep], context: context)
        }
        let y = model(
            latents.tracked(), timesteps: [Self.timestep], context: context, adapters: .adapter(adapter),
            isSegmented: options.isSegmented)
        let gradients = gradients(of: [(y, y.detached)])
        let factors = adapter.parameters.compactMap { gradients[$0.value] }
        return factors.count == adapter.parameters.count ? factors[factors.count - 1] : y * .nan
    }

    private func verify(_ result: Tensor) throws {
        let values = result.floats
        guard values.allSatisfy(\.isFinite), values.contains(where: { $0 != 0 }) else {
            throw BenchmarkError(benchmark: .unet, reason: "the result is zero, or not finite")
        }
    }
}
