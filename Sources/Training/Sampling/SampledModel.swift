import Foundation

/// What `saddle sample` can draw from.
public enum SampledModel: Sendable {
    /// A diffusers directory.
    case textToImage
    /// A run on vectors, or the model it wrote.
    case vectors
}

/// What a path names.
///
/// A directory with `model_index.json` is a text-to-image model; so is, where there are prompts, one that is no run
/// either, for what is said about it is then said of the right kind.
///
/// - Throws: `SamplingError.missing`.
public func sampledModel(at path: String, hasPrompts: Bool) throws -> SampledModel {
    func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(name)") }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
        throw SamplingError.missing(path: path)
    }
    guard isDirectory.boolValue else { return .vectors }
    let isRun = has("model.safetensors") || has("config.yaml")
    return has("model_index.json") || hasPrompts && !isRun ? .textToImage : .vectors
}
