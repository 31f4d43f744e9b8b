import Foundation

/// `manifest.json`: what a checkpoint consists of, closed by a digest of its own text (the seal).
public struct CheckpointManifest: Codable, Sendable, Equatable {
    /// The newest format that this version writes and reads.
    public static let currentFormat = 1

    public static let fileName = "manifest.json"
    public static let stateFileName = "state.h5"
    public static let configurationFileName = "config.yaml"

    /// A file beside the manifest.
    public struct File: Codable, Sendable, Equatable {
        public let name: String
        public let bytes: Int
        public let sha256: String

        package init(name: String, bytes: Int, sha256: String) {
            self.name = name
            self.bytes = bytes
            self.sha256 = sha256
        }
    }

    /// A value of the state.
    ///
    /// `type` is an element type, `real`, `integer`, `text` or `flag`; scalars have no shape. The digest
    /// covers the raw little-endian elements, the UTF-8 text, or one byte for a flag.
    public struct Value: Codable, Sendable, Equatable {
        public let path: String
        public let type: String
        public let shape: [Int]?
        public let sha256: String

        package init(path: String, type: String, shape: [Int]?, sha256: String) {
            self.path = path
            self.type = type
            self.shape = shape
            self.sha256 = sha256
        }
    }

    public let format: Int
    public let step: Int
    /// ISO 8601.
    public let created: String
    /// Version of Saddle that wrote it.
    public let saddle: String
    public let writer: WriterIdentity
    /// Free text of the writer, such as the digest of the base model.
    public let provenance: [String: String]
    public let files: [File]
    public let state: [Value]

    package init(
        format: Int = currentFormat, step: Int, created: String, saddle: String, writer: WriterIdentity,
        provenance: [String: String], files: [File], state: [Value]
    ) {
        self.format = format
        self.step = step
        self.created = created
        self.saddle = saddle
        self.writer = writer
        self.provenance = provenance
        self.files = files
        self.state = state
    }

    /// The entries of a state, in the order of its paths.
    package static func values(of tree: StateTree) -> [Value] {
        tree.paths.compactMap { path in
            tree[path].map {
                Value(
                    path: path, type: $0.typeName, shape: $0.shape,
                    sha256: SHA256Digest.hexadecimal(of: $0.digestedBytes))
            }
        }
    }

    /// Why `name` cannot be that of a file in a checkpoint; nil when it can.
    package static func objection(toFileName name: String) -> String? {
        if name.isEmpty || name.hasPrefix(".") { return "is empty or starts with '.'" }
        if name.contains("/") || name.utf8.contains(0) { return "contains '/' or NUL" }
        if name == fileName { return "is the manifest" }
        return nil
    }
}

// MARK: - Text with seal

extension CheckpointManifest {
    private static let sealOpening = ",\n  \"seal\" : \""
    private static let sealClosing = "\"\n}\n"
    private static let closingBrace = "\n}"

    /// The manifest's text: JSON whose last key, `seal`, is the SHA-256 of all text before `,\n  "seal"`.
    package func sealedText() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(self), as: UTF8.self)
        return CheckpointManifest.sealed(text)
    }

    /// JSON `text` of an object, with the seal as its last key.
    package static func sealed(_ text: String) -> [UInt8] {
        precondition(
            text.hasSuffix(closingBrace), "CheckpointManifest.sealed: got no pretty-printed JSON object")
        let body = Array(text.utf8.dropLast(closingBrace.utf8.count))
        return body + Array((sealOpening + SHA256Digest.hexadecimal(of: body) + sealClosing).utf8)
    }

    /// The manifest in `text`.
    ///
    /// Nothing of it is parsed unless the seal is intact.
    package static func unsealed(_ text: [UInt8]) throws -> CheckpointManifest {
        let sealLength = sealOpening.utf8.count + 64 + sealClosing.utf8.count
        let body = Array(text.dropLast(sealLength))
        let expected = sealOpening + SHA256Digest.hexadecimal(of: body) + sealClosing
        guard text.count > sealLength, text.suffix(sealLength).elementsEqual(expected.utf8) else {
            throw ManifestError("\(fileName) does not match its own seal")
        }
        let decoder = JSONDecoder()
        do {
            let version = try decoder.decode(FormatOnly.self, from: Data(text)).format
            guard version == currentFormat else {
                throw ManifestError(
                    "\(fileName) has format \(version), and this version reads \(currentFormat); "
                        + "use the version of Saddle that wrote it")
            }
            let manifest = try decoder.decode(CheckpointManifest.self, from: Data(text))
            try manifest.validate()
            return manifest
        } catch let error as DecodingError {
            throw ManifestError("\(fileName) cannot be read: \(error)")
        }
    }

    private func validate() throws {
        for file in files {
            if let objection = CheckpointManifest.objection(toFileName: file.name) {
                throw ManifestError("\(CheckpointManifest.fileName) lists '\(file.name)', which \(objection)")
            }
            if file.bytes < 0 { throw ManifestError("\(file.name) is listed with \(file.bytes) bytes") }
        }
        let names = files.map(\.name)
        for required in [CheckpointManifest.stateFileName, CheckpointManifest.configurationFileName]
        where !names.contains(required) {
            throw ManifestError("\(CheckpointManifest.fileName) does not list \(required)")
        }
        if Set(names).count < names.count || Set(state.map(\.path)).count < state.count {
            throw ManifestError("\(CheckpointManifest.fileName) lists a name twice")
        }
    }

    private struct FormatOnly: Decodable {
        let format: Int
    }
}

/// A manifest that cannot be used.
package struct ManifestError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
