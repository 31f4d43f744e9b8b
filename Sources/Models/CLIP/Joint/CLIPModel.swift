import Foundation
import Layers
import TensorCore
import WeightFiles

/// Both towers of CLIP with their projections into one space, as transformers' CLIPModel (Radford and others 2021).
public final class CLIPModel: Module {
    public let configuration: CLIPConfiguration
    public let images: CLIPImageEncoder
    private let text: CLIPTextModel
    private let textProjection: Linear
    private let logitScale: Parameter

    public init(_ source: ParameterSource, _ configuration: CLIPConfiguration) {
        self.configuration = configuration
        images = CLIPImageEncoder(source, configuration)
        text = CLIPTextModel(source, configuration.text)
        textProjection = Linear(
            source / "text_projection", configuration.text.encoder.width, configuration.projectionWidth,
            hasBias: false)
        logitScale = source("logit_scale", [])
    }

    /// Features of texts in the space that images and texts share.
    ///
    /// - Shapes: ids `[N, tokens]`, as CLIPTextModel takes them; result `[N, features]`.
    public func textFeatures(_ ids: Tensor) -> Tensor { textProjection(text.pooled(text(ids), ids: ids)) }

    /// Features of every token of texts in that space.
    ///
    /// - Shapes: ids as above; result `[N, tokens, features]`.
    public func textTokens(_ ids: Tensor) -> Tensor { textProjection(text(ids)) }

    /// Features of each text, out of those of its tokens.
    ///
    /// - Shapes: tokens `[N, tokens, features]`; result `[N, features]`.
    public func textFeatures(ofTokens tokens: Tensor, ids: Tensor) -> Tensor { text.pooled(tokens, ids: ids) }

    /// e^logit_scale: what cosines are multiplied by.
    public var cosineScale: Double { exp(logitScale.value.item) }

    public var namedParameters: [NamedParameter] {
        images.namedParameters + text.namedParameters
            + textProjection.namedParameters(under: "text_projection")
            + [NamedParameter("logit_scale", logitScale)]
    }

    /// Reads a CLIPModel's directory.
    ///
    /// - Parameter dtype: the type to hold weights in; nil keeps the stored one.
    /// - Throws: `ModelFilesError`, `SafetensorsError`.
    public static func load(
        _ directory: ComponentDirectory, as dtype: DType? = .float32
    ) throws -> CLIPModel {
        let configuration = try directory.configuration(CLIPConfiguration.self)
        try configuration.validate(path: "\(directory.path)/config.json")
        return try directory.weights(naming: .clip).model(as: dtype) { CLIPModel($0, configuration) }
    }
}
