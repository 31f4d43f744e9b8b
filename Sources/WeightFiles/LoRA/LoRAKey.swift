/// What the name of one tensor of an adapter file says, in any of the styles in use.
struct LoRAKey: Equatable {
    let target: LoRATarget
    /// Dotted path of the layer, as in the weights of diffusers and transformers.
    let module: String
    let role: Role

    enum Role: Equatable { case down, up, alpha }

    /// nil for names of no style known here.
    init?(_ name: String) {
        guard !name.hasPrefix("lora_") else {
            guard let kohya = LoRAKey(kohya: name) else { return nil }
            self = kohya
            return
        }
        let path = name.hasPrefix("base_model.model.") ? name.dropFirst("base_model.model.".count) : name[...]
        let named = LoRATarget.allCases.first { path.hasPrefix($0.rawValue + ".") }
        let inner = named.map { path.dropFirst($0.rawValue.count + 1) } ?? path
        guard let (stem, role) = Self.split(inner) else { return nil }
        let isText = stem.hasPrefix("text_model.") || stem.hasPrefix("encoder.layers.")
        target = named ?? (isText ? .textEncoder : .unet)
        module = target == .unet ? Self.unetModule(stem) : Self.textModule(stem)
        self.role = role
    }

    /// `lora_unet_down_blocks_0_….lora_down.weight`, of sd-scripts and the user interfaces that read its files.
    private init?(kohya name: String) {
        let prefixes: [(String, LoRATarget)] = [
            ("lora_unet_", .unet), ("lora_te_", .textEncoder), ("lora_te1_", .textEncoder),
        ]
        guard let (prefix, target) = prefixes.first(where: { name.hasPrefix($0.0) }),
            let (stem, role) = Self.split(name.dropFirst(prefix.count)),
            let module = KohyaName.path(of: stem)
        else { return nil }
        self.target = target
        self.module = target == .unet ? module : Self.textModule(module)
        self.role = role
    }

    /// Endings of tensor names: PEFT's with and without the adapter's name, those of diffusers from 2023 on, kohya's.
    private static func split(_ name: Substring) -> (stem: String, role: Role)? {
        for (ending, role) in endings {
            guard let match = name.firstMatch(of: ending.regex) else { continue }
            return match.range.lowerBound > name.startIndex
                ? (String(name[..<match.range.lowerBound]), role) : nil
        }
        return nil
    }

    private struct Ending: @unchecked Sendable {
        // `Regex` is not Sendable; this one is only read.
        let regex: Regex<Substring>
    }

    private static let endings: [(Ending, Role)] = [
        (Ending(regex: /\.lora_A(?:\.\w+)?\.weight$/), .down),
        (Ending(regex: /\.lora_B(?:\.\w+)?\.weight$/), .up),
        (Ending(regex: /(?:\.lora|_lora|\.lora_linear_layer)\.down\.weight$|\.lora_down\.weight$/), .down),
        (Ending(regex: /(?:\.lora|_lora|\.lora_linear_layer)\.up\.weight$|\.lora_up\.weight$/), .up),
        (Ending(regex: /(?:\.lora|_lora|\.lora_linear_layer)?\.alpha$/), .alpha),
    ]

    /// `attn1.processor.to_out` → `attn1.to_out.0`, from when adapters lived in attention processors.
    private static func unetModule(_ stem: String) -> String {
        guard stem.contains(".processor.") else { return stem }
        let module = stem.replacing(".processor.", with: ".")
        return module.hasSuffix(".to_out") ? module + ".0" : module
    }

    /// `self_attn.to_q` → `self_attn.q_proj`, and the level that transformers 5.6 dropped.
    private static func textModule(_ stem: String) -> String {
        var module = stem.hasPrefix("encoder.layers.") ? "text_model." + stem : stem
        for (old, current) in [
            ("to_q", "q_proj"), ("to_k", "k_proj"), ("to_v", "v_proj"), ("to_out", "out_proj"),
        ]
        where module.hasSuffix(".self_attn.\(old)") {
            module = module.dropLast(old.count) + current
        }
        return module
    }
}
