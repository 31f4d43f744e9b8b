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
    ///
    /// - Throws: `ImageRequestError.option` for a weight that is not finite.
    public init(argument: String) throws {
        guard let mark = argument.lastIndex(of: "="),
            let weight = Double(argument[argument.index(after: mark)...])
        else {
            try self.init(checking: argument, weight: 1)
            return
        }
        guard weight.isFinite else {
            throw ImageRequestError.option("--adapter \(argument) has a weight that is no finite number.")
        }
        try self.init(checking: String(argument[..<mark]), weight: weight)
    }

    private init(checking path: String, weight: Double) throws {
        guard !path.isEmpty else { throw ImageRequestError.option("--adapter has no path.") }
        self.init(path: path, weight: weight)
    }
}

/// What an adapter's file changes in a pipeline's two adaptable networks.
public struct PipelineAdapter: Sendable {
    let unet: LoRAAdapter?
    let textEncoder: LoRAAdapter?

    /// Reads an adapter file for a pipeline.
    ///
    /// - Throws: `ModelFilesError`, `SafetensorsError`, `AdapterFitError`.
    public init(path: String, for pipeline: TextToImagePipeline) throws {
        let file = try LoRAFile(path: path)
        do {
            unet = file.unet.isEmpty ? nil : try LoRAAdapter(file.unet, adapting: pipeline.unet)
            textEncoder =
                file.textEncoder.isEmpty
                ? nil : try LoRAAdapter(file.textEncoder, adapting: pipeline.textEncoder)
        } catch let mismatch as AdapterMismatch {
            throw AdapterFitError(path: path, mismatch: mismatch)
        }
    }
}

/// Adapters of a pipeline's two adaptable networks, added with their weights.
public struct PipelineAdapters: Sendable {
    public var unet = AdapterPass.base
    public var textEncoder = AdapterPass.base

    /// W + Σ w_i ΔW_i.
    init(_ adapters: [PipelineAdapter], weights: [Double]) {
        let pass = { (part: (PipelineAdapter) -> LoRAAdapter?) in
            AdapterPass.weighted(
                zip(adapters, weights).compactMap { adapter, weight in part(adapter).map { ($0, weight) } })
        }
        unet = pass(\.unet)
        textEncoder = pass(\.textEncoder)
    }

    /// Reads adapter files for a pipeline.
    ///
    /// - Throws: `ModelFilesError`, `SafetensorsError`, `AdapterFitError`.
    public init(_ references: [AdapterReference], for pipeline: TextToImagePipeline) throws {
        let adapters = try references.map { try PipelineAdapter(path: $0.path, for: pipeline) }
        self.init(adapters, weights: references.map(\.weight))
    }
}

/// An adapter that was trained on another base.
public struct AdapterFitError: ExitCoded, CustomStringConvertible {
    public let path: String
    public let mismatch: AdapterMismatch

    public var exitCode: Int32 { ExitStatus.badData }
    public var description: String { "\(path): \(mismatch)" }
}
