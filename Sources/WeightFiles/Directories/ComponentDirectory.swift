import Foundation

/// One component of a pipeline: `config.json` and weights, in one file or in shards.
public struct ComponentDirectory: Sendable {
    public let path: String

    public init(path: String) throws {
        try requireDirectory(path, what: "the component's directory")
        self.path = path
    }

    /// `config.json` as the component's own type.
    public func configuration<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try JSONFile.decode(type, from: "\(path)/config.json")
    }

    /// The component's weights.
    ///
    /// - Parameter variant: as in `diffusion_pytorch_model.fp16.safetensors`; nil takes the file without one, or
    ///   the only variant there is, `fp16` before others.
    public func weights(variant: String? = nil, naming: WeightNaming = .plain) throws -> ComponentWeights {
        let names = try fileNames()
        let candidates = names.compactMap(WeightFileName.init)
        guard let choice = Self.choice(candidates, variant: variant) else {
            throw ModelFilesError.missing(
                path: path, what: "a safetensors file" + (variant.map { " of variant \($0)" } ?? ""),
                advice: Self.advice(names, candidates))
        }
        let file = "\(path)/\(choice.name)"
        return try choice.isIndex
            ? ComponentWeights(index: file, naming: naming) : ComponentWeights(file: file, naming: naming)
    }

    /// Path of the only file of a kind.
    ///
    /// - Parameters:
    ///   - suffixes: ends of its name, as in `.pth`.
    ///   - what: it is, and where there is none, `advice`: for messages.
    /// - Throws: `ModelFilesError.missing` if there is none, or more than one.
    public func onlyFile(_ suffixes: [String], what: String, advice: String) throws -> String {
        let names = try fileNames().filter { name in suffixes.contains(where: name.hasSuffix) }
        guard let name = names.first else {
            throw ModelFilesError.missing(path: path, what: what, advice: advice)
        }
        guard names.count == 1 else {
            throw ModelFilesError.missing(
                path: path, what: "a single \(suffixes.joined(separator: " or ")) file",
                advice: "There are \(cut(names, separator: ", ")).")
        }
        return "\(path)/\(name)"
    }

    private func fileNames() throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        } catch {
            throw ModelFilesError.unreadable(path: path, reason: error.localizedDescription)
        }
    }

    private static func choice(_ candidates: [WeightFileName], variant: String?) -> WeightFileName? {
        func best(_ wanted: String?) -> WeightFileName? {
            candidates.filter { $0.variant == wanted }.min { $0.precedence < $1.precedence }
        }
        if let variant { return best(variant) }
        let variants = Set(candidates.compactMap(\.variant))
        return best(nil) ?? best("fp16") ?? (variants.count == 1 ? best(variants.first) : nil)
    }

    private static func advice(_ names: [String], _ candidates: [WeightFileName]) -> String {
        let variants = Set(candidates.compactMap(\.variant)).sorted()
        if !variants.isEmpty { return "There are variants: \(variants.joined(separator: ", "))." }
        let isPickled = names.contains { $0.hasSuffix(".bin") || $0.hasSuffix(".ckpt") }
        return isPickled
            ? "Convert the PyTorch file to safetensors: load it in diffusers and call save_pretrained."
            : "Expected diffusion_pytorch_model.safetensors, model.safetensors or their index."
    }
}

/// A file name that diffusers or transformers give to weights, taken apart.
private struct WeightFileName {
    let name: String
    let variant: String?
    let isIndex: Bool
    /// What the two libraries look for first: diffusers for an index, transformers for a single file.
    let precedence: Int

    /// nil for names of other files, shards among them: the index names those.
    init?(_ name: String) {
        // Both orders of variant and `index` are in use.
        let pattern =
            #/
            (diffusion_pytorch_model | model) (?: \. (\w+) )? \.safetensors (?: (\.index) (?: \. (\w+) )? \.json )?
            /#
        guard let match = name.wholeMatch(of: pattern) else { return nil }
        self.name = name
        variant = (match.2 ?? match.4).map(String.init)
        isIndex = match.3 != nil
        let isTransformers = match.1 == "model"
        precedence = (isTransformers ? 2 : 0) + (isIndex == isTransformers ? 1 : 0)
    }
}
