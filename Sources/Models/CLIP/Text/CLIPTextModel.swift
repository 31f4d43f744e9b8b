import Layers
import TensorCore
import WeightFiles

/// CLIP's text tower (Radford and others 2021, §2.4), as transformers' CLIPTextModel.
///
/// Activations are f32, whatever the weights are held in.
public final class CLIPTextModel: CompositeModule {
    public let configuration: CLIPTextConfiguration
    private let tokens: EmbeddingTable
    private let positions: EmbeddingTable
    private let encoder: CLIPEncoder
    private let finalNorm: LayerNorm

    public init(_ source: ParameterSource, _ configuration: CLIPTextConfiguration) {
        let source = source / "text_model"
        let (sizes, embeddings) = (configuration.encoder, source / "embeddings")
        self.configuration = configuration
        tokens = EmbeddingTable(
            embeddings / "token_embedding", rows: configuration.vocabularySize, width: sizes.width)
        positions = EmbeddingTable(
            embeddings / "position_embedding", rows: configuration.positions, width: sizes.width)
        encoder = CLIPEncoder(source / "encoder", sizes)
        finalNorm = LayerNorm(source / "final_layer_norm", sizes.width, epsilon: sizes.normEpsilon)
    }

    /// Features of every token, after the final layer norm.
    ///
    /// - Shapes: ids i32 `[N, tokens]`, each in 0..<vocabularySize and no more than `positions` a text; result
    ///   `[N, tokens, width]`.
    public func callAsFunction(_ ids: Tensor, adapters: AdapterPass = .base) -> Tensor {
        precondition(
            ids.shape.rank == 2 && ids.shape[1] <= configuration.positions,
            "CLIPTextModel: got ids \(ids.shape), expected [texts, tokens ≤ \(configuration.positions)]")
        let places = positions.rows.slice(0..<ids.shape[1]).cast(to: .float32)
        let x = embedding(tokens.rows, ids).cast(to: .float32) + places
        return finalNorm(encoder(x, isCausal: true, adapters))
    }

    /// Features of each text: those of its first end token.
    ///
    /// - Shapes: ids `[N, tokens]`; hidden, what the model made of them, `[N, tokens, width]`; result `[N, width]`.
    public func pooled(_ hidden: Tensor, ids: Tensor) -> Tensor {
        let (texts, length) = (ids.shape[0], ids.shape[1])
        let all = ids.indices
        let rows = (0..<texts).map { text in
            let tokens = all[text * length..<(text + 1) * length]
            let end = configuration.endToken == 2 ? tokens.max() : configuration.endToken
            return Int32(end.flatMap(tokens.firstIndex) ?? text * length)
        }
        return embedding(
            hidden.reshaped(texts * length, hidden.shape[2]), Tensor(indices: rows, on: hidden.device))
    }

    public var children: [(name: String, module: any Module)] {
        [
            ("text_model.embeddings.token_embedding", tokens),
            ("text_model.embeddings.position_embedding", positions), ("text_model.encoder", encoder),
            ("text_model.final_layer_norm", finalNorm),
        ]
    }
}

/// A frozen table with one row for each index.
final class EmbeddingTable: Module {
    private let weight: Parameter

    init(_ source: ParameterSource, rows: Int, width: Int) { weight = source("weight", [rows, width]) }

    /// `[rows, width]`.
    var rows: Tensor { weight.value }

    var namedParameters: [NamedParameter] { [NamedParameter("weight", weight)] }
}

extension CLIPTextModel {
    /// Reads a pipeline's `text_encoder`.
    ///
    /// - Parameters:
    ///   - variant: as in `model.fp16.safetensors`; nil chooses.
    ///   - dtype: the type to hold weights in; nil keeps the stored one.
    /// - Throws: `ModelFilesError`, `SafetensorsError`.
    public static func load(
        _ directory: ComponentDirectory, variant: String? = nil, as dtype: DType? = .float32
    ) throws -> CLIPTextModel {
        let configuration = try directory.configuration(CLIPTextConfiguration.self)
        try configuration.validate(path: "\(directory.path)/config.json")
        return try directory.weights(variant: variant, naming: .clipText).model(as: dtype) {
            CLIPTextModel($0, configuration)
        }
    }
}
