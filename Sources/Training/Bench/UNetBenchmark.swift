import Layers
import Models
import TensorCore

/// The UNet; backward with a LoRA adapter of rank 4.
struct UNetBenchmark: NetworkBenchmark {
    static let benchmark = Benchmark.unet
    private static let (tokens, rank, timestep) = (77, 4, 500.0)
    private let options: NetworkBenchmarkOptions
    private let unet: UNet2DConditionModel
    private let adapter: LoRAAdapter
    private let latents: Tensor
    private let context: Tensor
    let operations: Double

    init(_ options: NetworkBenchmarkOptions) {
        self.options = options
        let configuration = options.network.unet
        let key = RandomKey(seed: 0, stream: 0)
        let dtype = options.precision.dtype
        unet = UNet2DConditionModel(
            ParameterSource(random: Initializer(key: key), dtype: dtype), configuration)
        adapter = LoRAAdapter(adapting: unet, rank: Self.rank, key: key.at(step: 1))
        let width = configuration.levels[0].context
        let size = options.latent
        latents = Tensor.normal([options.batch, size, size, configuration.inChannels], key: key.at(step: 2))
            .cast(to: dtype)
        context = Tensor.normal([options.batch, Self.tokens, width], key: key.at(step: 3)).cast(to: dtype)
        operations = NetworkWork(configuration, batch: options.batch, latent: size, tokens: Self.tokens)
            .operations(isBackward: options.isBackward)
    }

    var model: any Module { unet }

    func pass() -> Tensor {
        guard options.isBackward else {
            return unet(latents, timesteps: [Self.timestep], context: context)
        }
        let x = latents.tracked()
        let y = unet(
            x, timesteps: [Self.timestep], context: context, adapters: .adapter(adapter),
            isSegmented: options.isSegmented)
        return lastGradient(of: y, for: [x] + adapter.parameters.map(\.value))
    }
}
