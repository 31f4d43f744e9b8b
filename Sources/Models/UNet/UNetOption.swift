import Foundation

/// The value of an option of diffusers' UNet2DConditionModel that Saddle has in one form only.
enum UNetOption: Decodable, Equatable, CustomStringConvertible {
    case null
    case flag(Bool)
    case number(Double)
    case text(String)
    /// A list or an object.
    case structure

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else {
            self = .structure
        }
    }

    var description: String {
        switch self {
        case .null: "null"
        case .flag(let flag): "\(flag)"
        case .number(let number): String(format: "%g", number)
        case .text(let text): "\"\(text)\""
        case .structure: "a list or an object"
        }
    }

    /// Values that mean what this model does; empty for keys that diffusers has not, nil where any value will do.
    static func allowed(_ key: String) -> [UNetOption]? {
        // Written by diffusers for itself.
        if key.hasPrefix("_") { return key == "_class_name" ? [.text("UNet2DConditionModel")] : nil }
        return irrelevant.contains(key) ? nil : fixed[key] ?? []
    }

    /// Without effect on what is computed: attention is in f32 in any case, and nothing is dropped.
    private static let irrelevant: Set<String> = [
        "sample_size", "dropout", "upcast_attention", "addition_embed_type_num_heads",
        "mid_block_only_cross_attention",
    ]

    private static let fixed: [String: [UNetOption]] = [
        "act_fn": [.text("silu"), .text("swish")],
        "addition_embed_type": [.null],
        "addition_time_embed_dim": [.null],
        "attention_type": [.text("default")],
        "class_embed_type": [.null],
        "class_embeddings_concat": [.flag(false)],
        "cross_attention_norm": [.null],
        "downsample_padding": [.number(1)],
        "dual_cross_attention": [.flag(false)],
        "encoder_hid_dim": [.null],
        "encoder_hid_dim_type": [.null],
        "mid_block_scale_factor": [.number(1)],
        "num_attention_heads": [.null],
        "num_class_embeds": [.null],
        "projection_class_embeddings_input_dim": [.null],
        "resnet_out_scale_factor": [.number(1)],
        "resnet_skip_time_act": [.flag(false)],
        "resnet_time_scale_shift": [.text("default")],
        "reverse_transformer_layers_per_block": [.null],
        "time_cond_proj_dim": [.null],
        "time_embedding_act_fn": [.null],
        "time_embedding_type": [.text("positional")],
        "timestep_post_act": [.null],
    ]
}
