import Layers
import TensorCore
import WeightFiles

/// MPS (Zhang and others 2024, §4): a CLIP, and a transformer in which the tokens of an image look at those tokens of
/// its prompt that have to do with a condition; as imscore stores it.
public final class MPSModel: Module {
    public let clip: CLIPModel
    private let cross: CrossModel

    static let (clipName, crossName) = ("mps.model", "mps.cross_model")
    /// How much of the largest similarity to the condition a token needs in order to count.
    private static let threshold: Float = 0.01

    public init(
        _ source: ParameterSource, _ configuration: CLIPConfiguration, _ cross: CrossModelConfiguration
    ) {
        clip = CLIPModel(source / Self.clipName, configuration)
        self.cross = CrossModel(source / Self.crossName, cross)
    }

    /// What the model makes of one prompt.
    public struct Text: Sendable {
        /// Features of every token, `[1, tokens, features]`.
        public let tokens: Tensor
        /// i32 `[1, tokens]`: 0 for those that do not count.
        public let mask: Tensor
        /// Features of the whole, `[1, features]`.
        public let features: Tensor
    }

    /// - Parameter condition: features of the condition's tokens, by `CLIPModel.textTokens`.
    /// - Shapes: ids `[1, tokens]`, condition `[1, any, features]`.
    public func text(_ ids: Tensor, condition: Tensor) -> Text {
        let tokens = clip.textTokens(ids)
        let similarity = matmul(tokens, condition, transposeB: true).maximum(axis: 2).floats
        // Relative to the prompt's own largest: the reference takes that of the batch, and agrees on batches of one.
        let largest = similarity.max() ?? 1
        let mask = similarity.map { $0 / largest > Self.threshold ? Int32(1) : 0 }
        return Text(
            tokens: tokens, mask: Tensor(indices: mask, shape: [1, mask.count], on: tokens.device),
            features: clip.textFeatures(ofTokens: tokens, ids: ids))
    }

    /// Features of images in the light of their prompts.
    ///
    /// - Shapes: images `[N, size, size, 3]`, normalised; N texts; result `[N, features]`.
    public func features(_ images: Tensor, _ texts: [Text]) -> Tensor {
        precondition(
            images.shape[0] == texts.count,
            "MPSModel: got \(texts.count) texts for images \(images.shape), expected one for each")
        let tokens = cross(
            clip.images.tokens(images), Tensor.concatenated(texts.map(\.tokens)),
            mask: Tensor.concatenated(texts.map(\.mask)))
        return tokens.slice(0..<1, axis: 1).reshaped(texts.count, -1)
    }

    public var namedParameters: [NamedParameter] {
        clip.namedParameters(under: Self.clipName) + cross.namedParameters(under: Self.crossName)
    }

    /// Reads the directory of an MPS; its CLIP is ViT-H/14 unless a `config.json` says otherwise.
    ///
    /// - Parameter dtype: the type to hold weights in; nil keeps the stored one.
    /// - Throws: `ModelFilesError`, `SafetensorsError`.
    public static func load(_ directory: ComponentDirectory, as dtype: DType? = .float32) throws -> MPSModel {
        let configuration = try CLIPConfiguration.read(directory, otherwise: .vitH14)
        let weights = try directory.weights(naming: .clip)
        let cross = CrossModelConfiguration(width: configuration.projectionWidth, weights)
        return try weights.model(as: dtype) { MPSModel($0, configuration, cross) }
    }
}
