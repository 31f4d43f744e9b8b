/// Other names and shapes under which files hold the tensors of a model.
///
/// The canonical name is the one that current diffusers and transformers write.
public struct WeightNaming: Sendable {
    /// Canonical name of a stored one.
    let canonical: @Sendable (String) -> String
    /// Whether a tensor (by its canonical name) is none of the model's parameters: a buffer that it computes for
    /// itself, or of another model in the same file.
    let isForeign: @Sendable (String) -> Bool
    /// Whether a matrix (by its canonical name) may be stored as a 1×1 convolution.
    let isPointwise: @Sendable (String) -> Bool

    /// Names and shapes as they are.
    public static let plain = WeightNaming { $0 }

    /// AutoencoderKL: attention names of older diffusers (`query, key, value, proj_attn`), and matrices kept
    /// as convolutions, as the first releases had them.
    public static let autoencoder = WeightNaming(
        { name in
            var parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count > 3, parts[parts.count - 4] == "attentions",
                let current = attentionNames[String(parts[parts.count - 2])]
            else { return name }
            parts[parts.count - 2] = current[...]
            return parts.joined(separator: ".")
        },
        isPointwise: { name in
            name.contains(".attentions.")
                && attentionNames.values.contains { name.hasSuffix(".\($0).weight") }
        })

    /// CLIPTextModel: without the level `text_model.`, which transformers 5.6 dropped in memory, and with the
    /// positions that older versions saved.
    public static let clipText = WeightNaming(
        { name in
            let isBare = ["embeddings.", "encoder.", "final_layer_norm."].contains { name.hasPrefix($0) }
            return isBare ? "text_model." + name : name
        },
        isForeign: { $0 == "text_model.embeddings.position_ids" })

    /// CLIPModel: with the positions that older versions saved.
    public static let clip = WeightNaming({ $0 }, isForeign: isPositionBuffer)

    /// CLIPVisionModelWithProjection, which may lie in the file of a CLIPModel.
    public static let clipVision = WeightNaming(
        { $0 },
        isForeign: { name in
            isPositionBuffer(name) || ["text_", "logit_scale"].contains { name.hasPrefix($0) }
        })

    /// open_clip's CLIP, by its own names: within `state_dict`, as HPS v2 is published, or under `model`, as imscore
    /// has it.
    public static let openCLIP = WeightNaming { name in
        let level = ["state_dict.", "model."].first { name.hasPrefix($0) } ?? ""
        return String(name.dropFirst(level.count))
    }

    @Sendable private static func isPositionBuffer(_ name: String) -> Bool {
        name.hasSuffix("_model.embeddings.position_ids")
    }

    private static let attentionNames = [
        "query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0",
    ]

    init(
        _ canonical: @escaping @Sendable (String) -> String,
        isForeign: @escaping @Sendable (String) -> Bool = { _ in false },
        isPointwise: @escaping @Sendable (String) -> Bool = { _ in false }
    ) {
        self.canonical = canonical
        self.isForeign = isForeign
        self.isPointwise = isPointwise
    }
}
