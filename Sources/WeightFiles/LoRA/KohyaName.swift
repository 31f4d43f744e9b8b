/// Module paths with underscores for dots, as kohya's sd-scripts write them.
enum KohyaName {
    /// Names within paths that have underscores of their own.
    private static let compounds: Set<String> = [
        "down_blocks", "up_blocks", "mid_block", "transformer_blocks", "to_q", "to_k", "to_v", "to_out",
        "proj_in", "proj_out", "time_embedding", "class_embedding", "linear_1", "linear_2", "time_emb_proj",
        "conv_in", "conv_out", "conv_shortcut", "text_model", "self_attn", "q_proj", "k_proj", "v_proj",
        "out_proj", "text_projection",
    ]
    private static let simple: Set<String> = [
        "attentions", "resnets", "downsamplers", "upsamplers", "conv", "conv1", "conv2", "attn1", "attn2",
        "ff",
        "net", "proj", "encoder", "layers", "mlp", "fc1", "fc2",
    ]

    static func name(of path: String) -> String { path.replacing(".", with: "_") }

    /// The dotted path, or nil where a part is none of Stable Diffusion's.
    static func path(of name: String) -> String? {
        var words = name.split(separator: "_", omittingEmptySubsequences: false)[...]
        var parts: [String] = []
        while !words.isEmpty {
            let lengths = (1...min(3, words.count)).reversed()
            guard let length = lengths.first(where: { isPart(words.prefix($0)) }) else { return nil }
            parts.append(words.prefix(length).joined(separator: "_"))
            words = words.dropFirst(length)
        }
        return parts.joined(separator: ".")
    }

    private static func isPart(_ words: ArraySlice<Substring>) -> Bool {
        guard words.count == 1, let word = words.first else {
            return compounds.contains(words.joined(separator: "_"))
        }
        return simple.contains(String(word)) || !word.isEmpty && word.allSatisfy { ("0"..."9").contains($0) }
    }
}
