import Foundation

/// What is inside a whole checkpoint: the JSON of `saddle inspect`.
public struct CheckpointInspection: Sendable, Encodable {
    /// A value of the state.
    public struct Entry: Sendable, Encodable {
        public let path: String
        /// Element type, or `real`, `integer`, `text`, `flag`.
        public let type: String
        /// Extents; absent for scalars.
        public let shape: [Int]?
        /// The value itself, for scalars and arrays of at most `CheckpointInspection.shownElements` numbers.
        public let value: ShownValue?
    }

    /// Arrays of more elements are described, not shown.
    public static let shownElements = 16

    public let directory: String
    public let manifestFormat: Int
    public let step: Int
    public let created: String
    public let saddle: String
    public let writer: WriterIdentity
    public let provenance: [String: String]
    public let files: [CheckpointManifest.File]
    public let state: [Entry]

    public init(_ checkpoint: Checkpoint) {
        let manifest = checkpoint.manifest
        directory = checkpoint.directory
        manifestFormat = manifest.format
        step = manifest.step
        created = manifest.created
        saddle = manifest.saddle
        writer = manifest.writer
        provenance = manifest.provenance
        files = manifest.files
        state = checkpoint.state.paths.compactMap { path in
            checkpoint.state[path].map {
                Entry(path: path, type: $0.typeName, shape: $0.shape, value: ShownValue($0))
            }
        }
    }
}

/// A value small enough to be shown.
public enum ShownValue: Sendable, Equatable, Encodable {
    case real(Double)
    case reals([Double])
    case integer(Int64)
    case integers([Int64])
    case text(String)
    case flag(Bool)

    /// Nil for arrays that are long or of a 16-bit type.
    init?(_ value: StateValue) {
        switch value {
        case .real(let number): self = .real(number)
        case .integer(let number): self = .integer(number)
        case .text(let string): self = .text(string)
        case .flag(let flag): self = .flag(flag)
        case .array(let array):
            guard array.count <= CheckpointInspection.shownElements else { return nil }
            switch array.type {
            case .f32: self = .reals(array.elements(as: Float.self).map(Double.init))
            case .f64: self = .reals(array.elements())
            case .i64: self = .integers(array.elements())
            case .i32: self = .integers(array.elements(as: Int32.self).map(Int64.init))
            case .u8: self = .integers(array.elements(as: UInt8.self).map(Int64.init))
            case .bf16, .f16: return nil
            }
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .real(let number): try container.encode(number)
        case .reals(let numbers): try container.encode(numbers)
        case .integer(let number): try container.encode(number)
        case .integers(let numbers): try container.encode(numbers)
        case .text(let string): try container.encode(string)
        case .flag(let flag): try container.encode(flag)
        }
    }
}

/// JSON for people and programs, where numbers may be non-finite ("NaN", "Infinity", "-Infinity").
public enum CheckpointJSON {
    public static func text(of value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
