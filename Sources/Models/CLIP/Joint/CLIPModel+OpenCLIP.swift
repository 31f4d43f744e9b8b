import Layers
import TensorCore
import WeightFiles

extension CLIPModel {
    /// Reads a checkpoint of open_clip: all tensors of the model and no others.
    ///
    /// - Parameters:
    ///   - weights: named by `WeightNaming.openCLIP`.
    ///   - dtype: the type to hold weights in; nil keeps the stored one.
    /// - Throws: `ModelFilesError.mismatch`, in open_clip's names.
    public static func load(
        openCLIP weights: ComponentWeights, _ configuration: CLIPConfiguration, as dtype: DType? = .float32
    ) throws -> CLIPModel {
        let declared = ParameterSource.declarations { CLIPModel($0, configuration) }
        let places = declared.map { OpenCLIPPlace(of: $0.name) }
        // Query, key and value name one array three times.
        var expected: [(name: String, shape: Shape)] = []
        for (place, (_, shape)) in zip(places, declared) where place.part.isFirst {
            expected.append((place.name, place.storedShape(of: shape)))
        }
        let stored = try weights.load(expected, as: dtype)
        let arrays = zip(places, declared).compactMap { place, array in
            stored[place.name].map { (array.name, place.array(in: $0)) }
        }
        return CLIPModel(ParameterSource(Dictionary(uniqueKeysWithValues: arrays)), configuration)
    }
}

/// Where open_clip keeps an array of transformers' CLIPModel.
package struct OpenCLIPPlace {
    /// What of the stored array it is.
    package enum Part: Equatable {
        case whole
        /// Projections stand as `[inputs, outputs]`; some are square, so that their shape does not tell.
        case transpose
        /// Query, key and value below each other.
        case third(Int)

        var isFirst: Bool { self != .third(1) && self != .third(2) }
    }

    package let name: String
    package let part: Part

    /// - Parameter name: transformers'.
    package init(of name: String) {
        if let stored = Self.projections[name] {
            (self.name, part) = (stored, .transpose)
            return
        }
        var stored = name
        for (theirs, openCLIPs) in Self.levels { stored = stored.replacing(theirs, with: openCLIPs) }
        for (index, role) in ["q", "k", "v"].enumerated() where stored.contains(".attn.\(role)_proj.") {
            (self.name, part) = (stored.replacing("\(role)_proj.", with: "in_proj_"), .third(index))
            return
        }
        (self.name, part) = (stored, .whole)
    }

    func storedShape(of shape: Shape) -> Shape {
        switch part {
        case .whole: shape
        case .transpose: Shape(shape.dimensions.reversed())
        case .third: shape.replacing(axis: 0, with: 3 * shape[0])
        }
    }

    func array(in stored: Tensor) -> Tensor {
        switch part {
        case .whole: return stored
        case .transpose: return stored.transposed()
        case .third(let index):
            let rows = stored.shape[0] / 3
            return stored.slice(index * rows..<(index + 1) * rows)
        }
    }

    private static let projections = [
        "visual_projection.weight": "visual.proj", "text_projection.weight": "text_projection",
    ]

    /// Parts of names in transformers and in open_clip, whole ones before what they begin with.
    private static let levels = [
        ("vision_model.embeddings.patch_embedding.", "visual.conv1."),
        ("vision_model.embeddings.position_embedding.weight", "visual.positional_embedding"),
        ("vision_model.embeddings.", "visual."), ("vision_model.pre_layrnorm.", "visual.ln_pre."),
        ("vision_model.post_layernorm.", "visual.ln_post."),
        ("vision_model.encoder.layers.", "visual.transformer.resblocks."),
        ("text_model.embeddings.position_embedding.weight", "positional_embedding"),
        ("text_model.embeddings.", ""), ("text_model.final_layer_norm.", "ln_final."),
        ("text_model.encoder.layers.", "transformer.resblocks."), (".layer_norm", ".ln_"),
        (".self_attn.", ".attn."), (".mlp.fc1.", ".mlp.c_fc."), (".mlp.fc2.", ".mlp.c_proj."),
    ]
}
