import Foundation
import WeightFiles

/// transformers' `config.json` of a CLIPModel: same keys, same defaults.
public struct CLIPConfiguration: Sendable, Equatable {
    public var text = CLIPTextConfiguration()
    public var vision = CLIPVisionConfiguration()
    /// Features in the space that texts and images share.
    public var projectionWidth = 512

    public init() {}

    /// ViT-H/14's, as OpenCLIP trained it (Cherti and others 2023), on which HPS v2, PickScore and MPS build.
    public static var vitH14: CLIPConfiguration {
        func encoder(width: Int, layers: Int) -> CLIPEncoderConfiguration {
            CLIPEncoderConfiguration(
                width: width, innerWidth: 4 * width, layers: layers, heads: 16, activation: .gelu)
        }
        var configuration = CLIPConfiguration()
        configuration.text.encoder = encoder(width: 1024, layers: 24)
        configuration.vision.encoder = encoder(width: 1280, layers: 32)
        configuration.vision.patchSize = 14
        configuration.projectionWidth = 1024
        return configuration
    }

    /// A directory's `config.json`, or `standard` where there is none.
    ///
    /// - Throws: `ModelFilesError`.
    public static func read(
        _ directory: ComponentDirectory, otherwise standard: CLIPConfiguration
    ) throws -> CLIPConfiguration {
        let path = "\(directory.path)/config.json"
        guard FileManager.default.fileExists(atPath: path) else { return standard }
        let configuration = try directory.configuration(CLIPConfiguration.self)
        try configuration.validate(path: path)
        return configuration
    }

    /// - Throws: `ModelFilesError.invalid` with all problems at once.
    func validate(path: String) throws {
        try text.validate(path: path)
        try validateVision(path: path)
    }

    func validateVision(path: String) throws {
        let problems = vision.problems + outOfRange([("projection_dim", projectionWidth)])
        guard problems.isEmpty else {
            throw ModelFilesError.invalid(path: path, reason: problems.joined(separator: "; "))
        }
    }
}

extension CLIPConfiguration: Decodable {
    private enum CodingKeys: String, CodingKey {
        case text = "text_config"
        case vision = "vision_config"
        case olderText = "text_config_dict"
        case olderVision = "vision_config_dict"
        case projectionWidth = "projection_dim"
        case kind = "model_type"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func part<Value: Decodable>(_ key: CodingKeys, _ older: CodingKeys) throws -> Value? {
            try container.decodeIfPresent(Value.self, forKey: key)
                ?? container.decodeIfPresent(Value.self, forKey: older)
        }
        text = try part(.text, .olderText) ?? text
        // The file of a vision tower alone has its keys at the top.
        let isVisionAlone =
            try container.decodeIfPresent(String.self, forKey: .kind) == "clip_vision_model"
        vision =
            isVisionAlone
            ? try CLIPVisionConfiguration(from: decoder) : try part(.vision, .olderVision) ?? vision
        projectionWidth =
            try container.decodeIfPresent(Int.self, forKey: .projectionWidth) ?? projectionWidth
    }
}
