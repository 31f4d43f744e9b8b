import Layers
import TensorCore

/// CLIP's vision tower (Radford and others 2021, §2.4; Dosovitskiy and others 2021), as transformers'
/// CLIPVisionModel.
///
/// Activations are f32, whatever the weights are held in.
public final class CLIPVisionModel: CompositeModule {
    public let configuration: CLIPVisionConfiguration
    private let embeddings: CLIPVisionEmbeddings
    private let firstNorm: LayerNorm
    private let encoder: CLIPEncoder
    private let finalNorm: LayerNorm

    public init(_ source: ParameterSource, _ configuration: CLIPVisionConfiguration) {
        let source = source / "vision_model"
        let sizes = configuration.encoder
        self.configuration = configuration
        embeddings = CLIPVisionEmbeddings(source / "embeddings", configuration)
        firstNorm = LayerNorm(source / Self.firstNormName, sizes.width, epsilon: sizes.normEpsilon)
        encoder = CLIPEncoder(source / "encoder", sizes)
        finalNorm = LayerNorm(source / "post_layernorm", sizes.width, epsilon: sizes.normEpsilon)
    }

    /// Features of the class token and of every patch, before the final layer norm.
    ///
    /// - Shapes: images `[N, size, size, 3]`, normalised; result `[N, 1 + patches, width]`.
    public func callAsFunction(_ images: Tensor) -> Tensor {
        encoder(firstNorm(embeddings(images)), isCausal: false, .base)
    }

    /// Features of each image: those of its class token, after the final layer norm.
    ///
    /// - Shapes: hidden, what the model made of the images, `[N, 1 + patches, width]`; result `[N, width]`.
    public func pooled(_ hidden: Tensor) -> Tensor {
        finalNorm(hidden.slice(0..<1, axis: 1).reshaped(hidden.shape[0], hidden.shape[2]))
    }

    public var children: [(name: String, module: any Module)] {
        [
            ("vision_model.embeddings", embeddings), ("vision_model.\(Self.firstNormName)", firstNorm),
            ("vision_model.encoder", encoder), ("vision_model.post_layernorm", finalNorm),
        ]
    }

    /// As all files spell it.
    private static let firstNormName = "pre_layrnorm"
}

/// Tokens of an image: a learned one for the whole, then one for each square of pixels; all with their places added.
///
/// - Shapes: images `[N, size, size, 3]`, result `[N, 1 + patches, width]`.
final class CLIPVisionEmbeddings: Module {
    private let imageSize: Int
    private let patchSize: Int
    private let classToken: Parameter
    private let patch: Parameter
    private let positions: Parameter

    init(_ source: ParameterSource, _ configuration: CLIPVisionConfiguration) {
        let (width, size) = (configuration.encoder.width, configuration.patchSize)
        imageSize = configuration.imageSize
        patchSize = size
        classToken = source("class_embedding", [width])
        patch = (source / "patch_embedding").convolutionWeight(
            "weight", [width, configuration.channels, size, size])
        positions = (source / "position_embedding")("weight", [1 + configuration.patches, width])
    }

    func callAsFunction(_ images: Tensor) -> Tensor {
        precondition(
            images.shape.rank == 4 && images.shape.dimensions.dropFirst() == [imageSize, imageSize, 3],
            "CLIPVisionModel: got images \(images.shape), expected [N, \(imageSize), \(imageSize), 3]")
        let (count, width) = (images.shape[0], classToken.shape[0])
        let patches = conv2d(images, patch.value, stride: patchSize).reshaped(count, -1, width)
        let whole = classToken.value.cast(to: images.dtype).broadcast(to: [count, 1, width])
        return Tensor.concatenated([whole, patches], axis: 1) + positions.value.cast(to: images.dtype)
    }

    var namedParameters: [NamedParameter] {
        [
            NamedParameter("class_embedding", classToken), NamedParameter("patch_embedding.weight", patch),
            NamedParameter("position_embedding.weight", positions),
        ]
    }
}
