import Layers
import Models
import WeightFiles

/// An adapter's file, and the weight it has beside others.
public struct AdapterReference: Sendable, Equatable {
    public var path: String
    public var weight: Double

    public init(path: String, weight: Double = 1) {
        self.path = path
        self.weight = weight
    }

    /// `FILE` or `FILE=WEIGHT`; what follows the last `=` is a weight where it is a number.
    public init(argument: String) {
        if let mark = argument.lastIndex(of: "="),
            let weight = Double(argument[argument.index(after: mark)...]),
            weight.isFinite
        {
            self.init(path: String(argument[..<mark]), weight: weight)
        } else {
            self.init(path: argument)
        }
    }
}

/// Adapters of a pipeline's two adaptable networks, added with their weights.
public struct PipelineAdapters: Sendable {
    public var unet = AdapterPass.base
    public var textEncoder = AdapterPass.base

    /// Reads adapter files for a pipeline.
    ///
    /// - Throws: `ModelFilesError`, `SafetensorsError`, `AdapterFitError`.
    public init(_ references: [AdapterReference], for pipeline: TextToImagePipeline) throws {
        let files = try references.map { try LoRAFile(path: $0.path) }
        func pass(
            _ modules: (LoRAFile) -> [String: LoRAModule], _ model: some CompositeModule
        ) throws -> AdapterPass {
            .weighted(
                try zip(references, files).filter { !modules($1).isEmpty }.map { reference, file in
                    do {
                        return (try LoRAAdapter(modules(file), adapting: model), reference.weight)
                    } catch let mismatch as AdapterMismatch {
                        throw AdapterFitError(path: reference.path, mismatch: mismatch)
                    }
                })
        }
        unet = try pass(\.unet, pipeline.unet)
        textEncoder = try pass(\.textEncoder, pipeline.textEncoder)
    }
}

/// An adapter that was trained on another base.
public struct AdapterFitError: ExitCoded, CustomStringConvertible {
    public let path: String
    public let mismatch: AdapterMismatch

    public var exitCode: Int32 { ExitStatus.badData }
    public var description: String { "\(path): \(mismatch)" }
}
