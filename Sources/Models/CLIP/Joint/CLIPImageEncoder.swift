import Layers
import TensorCore
import WeightFiles

/// The vision tower and its projection, as transformers' CLIPVisionModelWithProjection.
public final class CLIPImageEncoder: Module {
    public let configuration: CLIPVisionConfiguration
    private let tower: CLIPVisionModel
    private let projection: Linear

    public init(_ source: ParameterSource, _ configuration: CLIPConfiguration) {
        self.configuration = configuration.vision
        tower = CLIPVisionModel(source, configuration.vision)
        projection = Linear(
            source / "visual_projection", configuration.vision.encoder.width, configuration.projectionWidth,
            hasBias: false)
    }

    /// Width of the space that images and texts share.
    public var features: Int { projection.weight.shape[0] }

    /// Features in the space that images and texts share.
    ///
    /// - Shapes: images `[N, size, size, 3]`, normalised; result `[N, features]`.
    public func callAsFunction(_ images: Tensor) -> Tensor { projection(tower.pooled(tower(images))) }

    /// Features of the class token and of every patch in that space, taken before the tower's last norm.
    ///
    /// - Shapes: images as above; result `[N, 1 + patches, features]`.
    public func tokens(_ images: Tensor) -> Tensor { projection(tower(images)) }

    public var namedParameters: [NamedParameter] {
        tower.namedParameters + projection.namedParameters(under: "visual_projection")
    }

    /// Reads the vision half of a CLIPModel's directory, or a CLIPVisionModelWithProjection's.
    ///
    /// - Parameter dtype: the type to hold weights in; nil keeps the stored one.
    /// - Throws: `ModelFilesError`, `SafetensorsError`.
    public static func load(
        _ directory: ComponentDirectory, as dtype: DType? = .float32
    ) throws -> CLIPImageEncoder {
        let configuration = try directory.configuration(CLIPConfiguration.self)
        try configuration.validateVision(path: "\(directory.path)/config.json")
        return try directory.weights(naming: .clipVision).model(as: dtype) {
            CLIPImageEncoder($0, configuration)
        }
    }
}
