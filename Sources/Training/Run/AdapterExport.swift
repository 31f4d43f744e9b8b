import Checkpoints
import Foundation
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
    // The whole checkpoint is checked against its digests.
    _ = try CheckpointStore.load(path)
    let adapter = "\(path)/\(ImageAlignmentRun.adapterName)"
    guard FileManager.default.fileExists(atPath: adapter) else {
        throw AdapterExportError.noAdapter(path)
    }
    try createDirectory(URL(fileURLWithPath: output).deletingLastPathComponent())
    try LoRAFile(path: adapter).write(to: output, format: format)
}

/// Why there is nothing to export.
public enum AdapterExportError: ExitCoded, CustomStringConvertible {
    case format(String)
    case noAdapter(String)

    public var exitCode: Int32 {
        switch self {
        case .format: ExitStatus.usage
        case .noAdapter: ExitStatus.badData
        }
    }

    public var description: String {
        switch self {
        case .format(let name):
            "--format is \(name), must be one of "
                + LoRAFormat.allCases.map(\.rawValue).joined(separator: ", ") + "."
        case .noAdapter(let path):
            "\(path) has no adapter: it is a checkpoint of a run on vectors. `saddle inspect` says what is inside."
        }
    }
}
