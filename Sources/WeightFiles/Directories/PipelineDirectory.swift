import Foundation

/// A diffusers pipeline on disk: `model_index.json` and one directory for each component.
public struct PipelineDirectory: Sendable {
    /// Pipelines with a text encoder, a UNet and an autoencoder of Stable Diffusion 1 and 2.
    public static let stableDiffusion: Set<String> = [
        "StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline",
    ]
    static let indexName = "model_index.json"

    public let path: String
    /// The pipeline's class in diffusers.
    public let className: String
    /// Class of each component that is present, by the component's name.
    public let componentClasses: [String: String]

    /// - Parameter classes: pipelines that the caller can run.
    public init(path: String, accepting classes: Set<String> = stableDiffusion) throws {
        try requireDirectory(path, what: "the model directory")
        let indexPath = "\(path)/\(Self.indexName)"
        guard FileManager.default.fileExists(atPath: indexPath) else {
            throw ModelFilesError.missing(
                path: path, what: Self.indexName,
                advice: "Expected a directory as diffusers' save_pretrained writes it.")
        }
        let index = try JSONFile.decode(PipelineIndex.self, from: indexPath)
        guard classes.contains(index.className) else {
            throw ModelFilesError.unsupported(
                path: indexPath, what: "pipeline \(index.className) is not supported",
                advice: "Use one of \(classes.sorted().joined(separator: ", ")).")
        }
        self.path = path
        self.className = index.className
        self.componentClasses = index.componentClasses
    }

    /// The directory of a component.
    ///
    /// - Parameter classes: what the component may be; empty for any.
    public func component(_ name: String, classes: Set<String> = []) throws -> ComponentDirectory {
        let indexPath = "\(path)/\(Self.indexName)"
        guard let found = componentClasses[name] else {
            throw ModelFilesError.missing(
                path: indexPath, what: "component \(name)",
                advice: "It lists \(componentClasses.keys.sorted().joined(separator: ", ")).")
        }
        guard classes.isEmpty || classes.contains(found) else {
            throw ModelFilesError.unsupported(
                path: indexPath, what: "component \(name) is a \(found), which is not supported",
                advice: "Use a model with \(classes.sorted().joined(separator: " or ")).")
        }
        return try ComponentDirectory(path: "\(path)/\(name)")
    }
}

/// `model_index.json`: the pipeline's class, and for each component its library and class.
private struct PipelineIndex: Decodable {
    let className: String
    var componentClasses: [String: String] = [:]

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        className = try container.decode(String.self, forKey: AnyKey("_class_name"))
        for key in container.allKeys {
            // Options of the pipeline stand beside the components; an absent component is [null, null].
            guard let pair = try? container.decode([String?].self, forKey: key), pair.count == 2,
                let name = pair[1]
            else { continue }
            componentClasses[key.stringValue] = name
        }
    }
}

/// A key that is not known before the file is read.
package struct AnyKey: CodingKey {
    package let stringValue: String
    package var intValue: Int? { nil }

    package init(_ name: String) { stringValue = name }
    package init?(stringValue: String) { self.init(stringValue) }
    package init?(intValue: Int) { nil }
}

func requireDirectory(_ path: String, what: String) throws {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
        throw ModelFilesError.missing(path: path, what: what, advice: "Check the path.")
    }
    guard isDirectory.boolValue else {
        throw ModelFilesError.unreadable(path: path, reason: "it is not a directory")
    }
}
