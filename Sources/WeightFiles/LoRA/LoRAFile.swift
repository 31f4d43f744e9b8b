import Foundation
import TensorCore

/// A LoRA adapter as files hold it: for each network, the changes of its layers by module path.
///
/// Read from the styles of PEFT, of diffusers since 2023 and of kohya's sd-scripts; written for diffusers and kohya.
public struct LoRAFile: Sendable {
    /// By the layer's path in the weights of diffusers and transformers, as in
    /// `down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q`.
    public var unet: [String: LoRAModule]
    /// As in `text_model.encoder.layers.0.self_attn.q_proj`.
    public var textEncoder: [String: LoRAModule]

    public init(unet: [String: LoRAModule], textEncoder: [String: LoRAModule] = [:]) {
        self.unet = unet
        self.textEncoder = textEncoder
    }

    subscript(target: LoRATarget) -> [String: LoRAModule] {
        switch target {
        case .unet: unet
        case .textEncoder: textEncoder
        }
    }
}

extension LoRAFile {
    /// Reads an adapter.
    ///
    /// The strength comes from `lora_adapter_metadata` where the file has it, or from the `adapter_config.json` of a
    /// directory of PEFT's, else from `.alpha` tensors, else it is 1; an alpha of 0 counts as none, as in sd-scripts.
    ///
    /// - Parameters:
    ///   - path: of a safetensors file, or of a directory that PEFT or diffusers wrote.
    ///   - dtype: of the tensors; nil keeps the stored one.
    /// - Throws: `ModelFilesError`, `SafetensorsError`.
    public init(path: String, as dtype: DType? = nil) throws {
        let place = try LoRAPlace(path)
        let file = try SafetensorsFile(path: place.weights)
        let parts = try LoRAParts(file)
        let metadata =
            try file.metadata[LoRAMetadata.key].map { try LoRAMetadata(Data($0.utf8), path: file.path) }
            ?? place.configuration.map {
                try LoRAMetadata(JSONFile.contents(of: $0), source: "LoraConfig", path: $0)
            }
        func modules(_ target: LoRATarget) throws -> [String: LoRAModule] {
            try Dictionary(
                uniqueKeysWithValues: (parts.modules[target] ?? [:]).map { name, part in
                    (name, try part.module(name, target, in: file, metadata, as: dtype))
                })
        }
        self.init(unet: try modules(.unet), textEncoder: try modules(.textEncoder))
    }
}

/// The tensors of a file, sorted to the layers they belong to.
private struct LoRAParts {
    private(set) var modules: [LoRATarget: [String: LoRAPart]] = [:]

    init(_ file: SafetensorsFile) throws {
        var unknown: [String] = []
        for entry in file.entries {
            guard let key = LoRAKey(entry.name) else {
                unknown.append(entry.name)
                continue
            }
            let isRepeated = modules[key.target, default: [:]][key.module, default: LoRAPart()].add(
                entry, key.role)
            guard !isRepeated else {
                throw ModelFilesError.invalid(
                    path: file.path, reason: "\(entry.name): \(key.module) has such a tensor already")
            }
        }
        if !unknown.isEmpty { throw Self.refusal(of: unknown.sorted(), path: file.path) }
        guard !modules.isEmpty else {
            throw ModelFilesError.invalid(path: file.path, reason: "it holds no LoRA tensors")
        }
    }

    private static func refusal(of names: [String], path: String) -> ModelFilesError {
        let kinds = [
            ("lora_magnitude_vector", "a DoRA"), ("dora_scale", "a DoRA"), ("hada_", "a LoHa"),
            ("lokr_", "a LoKr"),
            ("lora_mid", "a LoCon with Tucker decomposition"), ("lora_te2_", "an SDXL LoRA"),
            ("text_encoder_2.", "an SDXL LoRA"), ("input_blocks", "a LoRA with LDM's block names"),
            ("output_blocks", "a LoRA with LDM's block names"), (".diff", "a full difference"),
        ]
        let kind = kinds.first { kind in names.contains { $0.contains(kind.0) } }
        return .unsupported(
            path: path,
            what: (kind.map { "\($0.1) adapter; " } ?? "")
                + "\(names.count) tensors are not of a LoRA for Stable "
                + "Diffusion 1 or 2: \(cut(names, separator: ", "))",
            advice: "Saddle reads PEFT, diffusers and kohya files of plain LoRA.")
    }
}

/// What a file has for one layer.
private struct LoRAPart {
    private var down: SafetensorsEntry?
    private var up: SafetensorsEntry?
    private var alpha: SafetensorsEntry?

    /// - Returns: whether there was one of this role.
    mutating func add(_ entry: SafetensorsEntry, _ role: LoRAKey.Role) -> Bool {
        switch role {
        case .down: return replace(&down, entry)
        case .up: return replace(&up, entry)
        case .alpha: return replace(&alpha, entry)
        }
    }

    private func replace(_ place: inout SafetensorsEntry?, _ entry: SafetensorsEntry) -> Bool {
        defer { place = entry }
        return place != nil
    }

    func module(
        _ name: String, _ target: LoRATarget, in file: SafetensorsFile, _ metadata: LoRAMetadata?,
        as dtype: DType?
    ) throws -> LoRAModule {
        func invalid(_ reason: String) -> ModelFilesError {
            .invalid(path: file.path, reason: "\(target.rawValue) \(name): \(reason)")
        }
        guard let down, let up else { throw invalid(down == nil ? "A is missing" : "B is missing") }
        let (a, b) = (down.shape, up.shape)
        guard [2, 4].contains(a.rank), a.rank == b.rank, a[0] == b[1], a[0] > 0,
            b.dimensions.dropFirst(2).allSatisfy({ $0 == 1 })
        else { throw invalid("A \(a) and B \(b) do not form a product") }
        let rank = a[0]
        let scale =
            try metadata?.scale(of: name, in: target, rank: rank)
            ?? storedAlpha(in: file).map { $0 / Double(rank) } ?? 1
        guard scale.isFinite else { throw invalid("alpha is not finite") }
        let tensors = try [down, up].map { entry in
            let tensor = try file.tensor(entry.name, as: dtype)
            guard tensor.dtype != .int32, FixedPoint.maxMagnitude(tensor, 0..<tensor.elementCount) != nil
            else {
                throw invalid("\(entry.name) holds numbers that are not finite, or integers")
            }
            return tensor
        }
        return LoRAModule(down: tensors[0], up: tensors[1], scale: scale)
    }

    private func storedAlpha(in file: SafetensorsFile) throws -> Double? {
        guard let alpha else { return nil }
        let tensor = try file.tensor(alpha.name)
        guard tensor.elementCount == 1 else {
            throw ModelFilesError.invalid(
                path: file.path, reason: "\(alpha.name) has shape \(alpha.shape), expected one number")
        }
        return tensor.item == 0 ? nil : tensor.item
    }
}
