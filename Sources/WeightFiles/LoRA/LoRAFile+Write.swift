import Foundation
import TensorCore

/// Who is to read a written adapter.
public enum LoRAFormat: String, Sendable, CaseIterable {
    /// diffusers and PEFT: `unet.….lora_A.weight`. B takes the scale, so that programs that overlook
    /// `lora_adapter_metadata` load the right strength too.
    case diffusers
    /// Automatic1111, ComfyUI and the like: `lora_unet_….lora_down.weight`, with an `.alpha` for each module, the same
    /// for all.
    case kohya
}

extension LoRAFile {
    /// Writes the adapter so that the reader has the strength it has here.
    ///
    /// - Parameters:
    ///   - dtype: of the tensors in the file.
    ///   - metadata: texts to add to the header.
    public func write(
        to path: String, format: LoRAFormat, dtype: DType = .float32, metadata: [String: String] = [:]
    ) throws {
        var header = ["format": "pt"]
        var tensors: [String: Tensor] = [:]
        switch format {
        case .diffusers:
            header[LoRAMetadata.key] = adapterMetadata
            for (name, module) in modules(prefixes: ["unet.", "text_encoder."]) {
                let folded = module.with(alpha: Double(module.rank))
                tensors[name + ".lora_A.weight"] = folded.down.cast(to: dtype)
                tensors[name + ".lora_B.weight"] = folded.up.cast(to: dtype)
            }
        case .kohya:
            let alpha = commonAlpha
            header.merge(kohyaMetadata(alpha: alpha)) { $1 }
            for (name, module) in modules(prefixes: ["lora_unet_", "lora_te_"]) {
                let (name, module) = (KohyaName.name(of: name), module.with(alpha: alpha))
                tensors[name + ".lora_down.weight"] = module.down.cast(to: dtype)
                tensors[name + ".lora_up.weight"] = module.up.cast(to: dtype)
                tensors[name + ".alpha"] = Tensor([Float(alpha)], shape: [])
            }
        }
        try SafetensorsFile.write(tensors, metadata: header.merging(metadata) { $1 }, to: path)
    }

    private func modules(prefixes: [String]) -> [(String, LoRAModule)] {
        zip(prefixes, LoRATarget.allCases).flatMap { prefix, target in
            self[target].map { (prefix + $0.key, $0.value) }
        }
    }

    /// LoraConfig of each network: α = r everywhere, since B has the scale.
    private var adapterMetadata: String {
        var members: [String: Any] = [:]
        for target in LoRATarget.allCases where !self[target].isEmpty {
            let ranks = self[target].map { (pattern: pattern(of: $0.key, in: target), rank: $0.value.rank) }
            let most = mostCommon(ranks.map(\.rank).sorted()) ?? 0
            let others = Dictionary(
                ranks.filter { $0.rank != most }.map { ($0.pattern, $0.rank) }, uniquingKeysWith: { $1 })
            members["\(target.rawValue).r"] = most
            members["\(target.rawValue).lora_alpha"] = most
            members["\(target.rawValue).rank_pattern"] = others
            members["\(target.rawValue).alpha_pattern"] = others
            members["\(target.rawValue).target_modules"] = ranks.map { unanchored($0.pattern) }.sorted()
            members["\(target.rawValue).peft_type"] = "LORA"
        }
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
        let data = (try? JSONSerialization.data(withJSONObject: members, options: options)) ?? Data()
        return String(decoding: data, as: UTF8.self)
    }

    /// Anchored, since a path may be the end of another; the text encoder's without the level that transformers
    /// 5.6 dropped, so that both kinds match.
    private func pattern(of module: String, in target: LoRATarget) -> String {
        let level = "text_model."
        return target == .textEncoder && module.hasPrefix(level)
            ? String(module.dropFirst(level.count)) : "^" + module
    }

    private func unanchored(_ pattern: String) -> String {
        pattern.hasPrefix("^") ? String(pattern.dropFirst()) : pattern
    }

    /// The α of most modules, for all of them: diffusers 0.42 drops the α of attention layers that differ.
    private var commonAlpha: Double {
        let alphas = LoRATarget.allCases.flatMap { self[$0].values.map(\.alpha) }
        // 0 would be read as none.
        return mostCommon(alphas.filter { $0 != 0 }.sorted()) ?? 1
    }

    private func kohyaMetadata(alpha: Double) -> [String: String] {
        let ranks = LoRATarget.allCases.flatMap { self[$0].values.map(\.rank) }
        return [
            "ss_network_module": "networks.lora", "ss_network_dim": "\(mostCommon(ranks.sorted()) ?? 0)",
            "ss_network_alpha": "\(alpha)",
        ]
    }

    /// The first of those that occur most.
    private func mostCommon<Value: Hashable>(_ values: [Value]) -> Value? {
        let counts = Dictionary(grouping: values, by: { $0 }).mapValues(\.count)
        let most = counts.values.max()
        return values.first { counts[$0] == most }
    }
}
