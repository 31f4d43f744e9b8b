import Layers
import Models
import TensorCore

/// The text encoder; backward with a LoRA adapter of rank 4 on its attention.
struct TextBenchmark: NetworkBenchmark {
    static let benchmark = Benchmark.text
    private static let (rank, targets) = (4, ["q_proj", "k_proj", "v_proj", "out_proj"])
    private let options: NetworkBenchmarkOptions
    private let encoder: CLIPTextModel
    private let adapter: LoRAAdapter
    private let ids: Tensor
    let operations: Double

    init(_ options: NetworkBenchmarkOptions) {
        self.options = options
        let configuration = options.network.text
        let key = RandomKey(seed: 0, stream: 0)
        encoder = CLIPTextModel(
            ParameterSource(random: Initializer(key: key), dtype: options.precision.dtype), configuration)
        adapter = LoRAAdapter(
            adapting: encoder, targets: Self.targets, rank: Self.rank, key: key.at(step: 1))
        let (batch, tokens) = (options.batch, configuration.positions)
        let all = (0..<batch * tokens).map { Int32($0 * 7919 % configuration.vocabularySize) }
        ids = Tensor(indices: all, shape: [batch, tokens])
        operations = NetworkWork(text: configuration, batch: batch).operations(isBackward: options.isBackward)
    }

    var model: any Module { encoder }

    func pass() -> Tensor {
        guard options.isBackward else { return encoder(ids) }
        let y = encoder(ids, adapters: .adapter(adapter))
        return lastGradient(of: y, for: adapter.parameters.map(\.value))
    }
}

extension NetworkWork {
    /// Of a text encoder, all tokens at once; half of the attention's scores are masked.
    fileprivate init(text configuration: CLIPTextConfiguration, batch: Int) {
        let (sizes, tokens) = (configuration.encoder, configuration.positions)
        let perToken = 4 * sizes.width * sizes.width + 2 * sizes.width * sizes.innerWidth
        weightProducts = 2 * Double(sizes.layers * batch * tokens * perToken)
        attentionProducts = 4 * Double(sizes.layers * batch * tokens * tokens * sizes.width)
    }
}
