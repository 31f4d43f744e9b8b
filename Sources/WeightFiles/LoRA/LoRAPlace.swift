import Foundation

/// Where an adapter's tensors lie, and what PEFT says of them beside.
struct LoRAPlace {
    private static let configurationName = "adapter_config.json"
    private static let peftName = "adapter_model.safetensors"
    private static let diffusersName = "pytorch_lora_weights.safetensors"

    let weights: String
    /// PEFT's configuration; nil where PEFT did not write the file.
    let configuration: String?

    /// - Parameter path: of the file, or of the directory that it is in under the name PEFT or diffusers gives it.
    /// - Throws: `ModelFilesError.missing` for a directory without such a file.
    init(_ path: String) throws {
        let exists = { FileManager.default.fileExists(atPath: $0) }
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue {
            let names = [Self.peftName, Self.diffusersName]
            guard let name = names.first(where: { exists("\(path)/\($0)") }) else {
                throw ModelFilesError.missing(
                    path: path, what: "an adapter's file",
                    advice:
                        "Expected \(names.joined(separator: " or ")) in it, or the path of a safetensors file."
                )
            }
            weights = "\(path)/\(name)"
        } else {
            weights = path
        }
        let file = weights as NSString
        let beside = (file.deletingLastPathComponent as NSString).appendingPathComponent(
            Self.configurationName)
        configuration = file.lastPathComponent == Self.peftName && exists(beside) ? beside : nil
    }
}
