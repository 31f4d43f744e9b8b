import Layers
import Models
import TensorCore

/// The decoder of the autoencoder; backward to the latents.
struct AutoencoderBenchmark: NetworkBenchmark {
    static let benchmark = Benchmark.vae
    private let options: NetworkBenchmarkOptions
    private let autoencoder: Autoencoder
    private let latents: Tensor
    let operations: Double

    init(_ options: NetworkBenchmarkOptions) {
        self.options = options
        let configuration = options.network.autoencoder
        let key = RandomKey(seed: 0, stream: 0)
        let dtype = options.precision.dtype
        autoencoder = Autoencoder(
            ParameterSource(random: Initializer(key: key), dtype: dtype), configuration)
        let size = options.latent
        latents = Tensor.normal(
            [options.batch, size, size, configuration.latentChannels], key: key.at(step: 1)
        ).cast(to: dtype)
        operations = NetworkWork(decoder: configuration, batch: options.batch, latent: size)
            .operations(isBackward: options.isBackward)
    }

    var model: any Module { autoencoder }

    func pass() -> Tensor {
        guard options.isBackward else { return autoencoder.decode(latents) }
        let z = latents.tracked()
        let y = autoencoder.decode(z, memory: options.isSegmented ? .stages : .activations)
        return lastGradient(of: y, for: [z])
    }
}

extension NetworkWork {
    /// Of a decoder.
    fileprivate init(decoder configuration: AutoencoderConfiguration, batch: Int, latent: Int) {
        self.init()
        let last = configuration.channels.count - 1
        for (name, shape) in ParameterSource.declarations(of: { Autoencoder($0, configuration) })
        where shape.rank > 1 && (name.hasPrefix("decoder.") || name.hasPrefix("post_quant_conv")) {
            let parts = name.split(separator: ".")
            let doublings: Int =
                switch parts[1] {
                case "up_blocks": min((Int(parts[2]) ?? 0) + (parts[3] == "upsamplers" ? 1 : 0), last)
                case "conv_out": last
                default: 0
                }
            let pixels = (latent << doublings) * (latent << doublings)
            weightProducts += 2 * Double(batch * pixels * shape.elementCount)
            if name.hasSuffix("to_q.weight") {
                attentionProducts += 4 * Double(batch * pixels * pixels * shape[0])
            }
        }
    }
}
