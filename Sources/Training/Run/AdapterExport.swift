import Checkpoints
import Foundation
import Layers
import Models
import WeightFiles

/// Writes the adapter of a checkpoint for other programs.
///
/// - Parameter format: `diffusers` or `kohya`.
///
/// Throws: `AdapterExportError`, `CheckpointError`, `ModelFilesError`, `SafetensorsError`, `OutputDirectoryError`.
public func exportAdapter(ofCheckpoint path: String, format: String, to output: String) throws {
    guard let format = LoRAFormat(rawValue: format) else {
        throw AdapterExportError.format(format)
    }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    guard !names.contains("config.yaml") || !names.contains(where: { $0.hasPrefix("checkpoint-") }) else {
        throw AdapterExportError.runDirectory(path)
    }
    // The whole checkpoint is checked against its digests.
    _ = try CheckpointStore.load(path)
    let adapter = "\(path)/\(LoRAAdapter.fileName)"
    guard FileManager.default.fileExists(atPath: adapter) else {
        throw AdapterExportError.noAdapter(path)
    }
    try createDirectory(URL(fileURLWithPath: output).deletingLastPathComponent())
    try LoRAFile(path: adapter).write(to: output, format: format)
}

extension LoRAAdapter {
    /// What it is called in run directories and checkpoints.
    static let fileName = "pytorch_lora_weights.safetensors"

    /// The adapter of a pipeline's UNet as diffusers reads it.
    func file(for pipeline: TextToImagePipeline) throws -> Data {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("saddle-\(ProcessInfo.processInfo.processIdentifier).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try LoRAFile(unet: modules(of: pipeline.unet)).write(to: path, format: .diffusers)
        return try Data(contentsOf: URL(fileURLWithPath: path))
    }
}

/// Why there is nothing to export.
public enum AdapterExportError: ExitCoded, CustomStringConvertible {
    case format(String)
    case noAdapter(String)
    case runDirectory(String)

    public var exitCode: Int32 {
        switch self {
        case .format, .runDirectory: ExitStatus.usage
        case .noAdapter: ExitStatus.badData
        }
    }

    public var description: String {
        switch self {
        case .format(let name):
            "--format is \(name), must be one of "
                + LoRAFormat.allCases.map(\.rawValue).joined(separator: ", ") + "."
        case .runDirectory(let path):
            "\(path) is a run directory; name one of the checkpoints in it (those of a distillation are in "
                + "\(path)/conclusion)."
        case .noAdapter(let path):
            "\(path) has no adapter: it is a checkpoint of a run on vectors, or of a composition before its "
                + "distillation. `saddle inspect` says what is inside."
        }
    }
}
