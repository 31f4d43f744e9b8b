import Foundation

/// What a run hands over to be saved.
public struct CheckpointContent: Sendable {
    /// Number of steps done; names the directory.
    public let step: Int
    public let state: StateTree
    /// The resolved configuration, as YAML.
    public let configuration: String
    /// More files by name, such as `pytorch_lora_weights.safetensors`.
    public let extraFiles: [String: Data]
    /// Version of Saddle.
    public let saddleVersion: String
    /// Free text for the manifest, such as the digest of the base model.
    public let provenance: [String: String]

    public init(
        step: Int, state: StateTree, configuration: String, extraFiles: [String: Data] = [:],
        saddleVersion: String, provenance: [String: String] = [:]
    ) {
        precondition(step >= 0, "CheckpointContent: got step \(step), expected 0 or more")
        let taken = [CheckpointManifest.stateFileName, CheckpointManifest.configurationFileName]
        for name in extraFiles.keys {
            let objection = taken.contains(name) ? "is taken" : CheckpointManifest.objection(toFileName: name)
            precondition(objection == nil, "CheckpointContent: file name '\(name)' \(objection ?? "")")
        }
        self.step = step
        self.state = state
        self.configuration = configuration
        self.extraFiles = extraFiles
        self.saddleVersion = saddleVersion
        self.provenance = provenance
    }
}

/// A checkpoint that was read and found whole.
public struct Checkpoint: Sendable {
    public let directory: String
    public let manifest: CheckpointManifest
    public let state: StateTree
    /// The resolved configuration of the run, as YAML.
    public let configuration: String

    public var step: Int { manifest.step }

    /// The bytes of one more file of the checkpoint, checked again against the manifest.
    public func contents(ofFile name: String) throws -> Data {
        let path = "\(directory)/\(name)"
        guard let entry = manifest.files.first(where: { $0.name == name }) else {
            throw CheckpointError.missing(path: path)
        }
        let bytes = try DurableFile.contents(of: path, limit: entry.bytes)
        guard SHA256Digest.hexadecimal(of: bytes) == entry.sha256 else {
            throw CheckpointError.damaged(path: directory, problems: ["\(name) does not match its digest"])
        }
        return Data(bytes)
    }
}

/// What `saddle verify` says of a checkpoint.
public struct VerificationReport: Sendable, Equatable, Codable {
    public let directory: String
    /// The step that the manifest names, if it can be read.
    public let step: Int?
    public let valid: Bool
    public let problems: [String]
    /// Files and values of the state that match their digests.
    public let intactFiles: Int
    public let intactValues: Int
}
