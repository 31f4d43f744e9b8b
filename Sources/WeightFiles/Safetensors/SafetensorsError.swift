import Foundation
import TensorCore

/// Why a safetensors file cannot be read, used or written.
public enum SafetensorsError: Error, Equatable, CustomStringConvertible {
    /// The file is not there, or the system does not let us read it.
    case unreadable(file: String, reason: String)
    /// The bytes break the rules of the format.
    case damaged(file: String, place: Place, expected: String, found: String)
    case missingTensor(file: String, tensor: String, available: [String])
    /// The stored type has no counterpart in memory, or does not convert to what was asked for.
    case unsupportedType(file: String, tensor: String, expected: String, found: String)
    /// A 64-bit integer that 32 bits cannot hold.
    case integerOutOfRange(file: String, tensor: String, index: Int, value: Int64)
    case unwritable(file: String, reason: String)
    /// Something else than a regular file is where one is to be written.
    case notAFile(file: String)

    /// Where in the file a rule is broken.
    public enum Place: Equatable, Sendable, CustomStringConvertible {
        /// The first eight bytes.
        case headerLength
        /// A byte of the file, within the header.
        case header(byte: Int)
        case tensor(String)
        /// What follows the header.
        case data

        public var description: String {
            switch self {
            case .headerLength: "header length"
            case .header(let byte): "header, byte \(byte) of the file"
            case .tensor(let name): "tensor \"\(name)\""
            case .data: "data section"
            }
        }
    }

    public var description: String {
        switch self {
        case .unreadable(let file, let reason):
            "\(file): cannot read: \(reason). Check the path and its permissions."
        case .damaged(let file, let place, let expected, let found):
            "\(file): not a valid safetensors file: \(place): expected \(expected), found \(found)."
                + " Download or export the file again."
        case .missingTensor(let file, let tensor, let available):
            "\(file): has no tensor \"\(tensor)\"; \(Self.listing(available))."
                + " Check that this is the right file for this model."
        case .unsupportedType(let file, let tensor, let expected, let found):
            "\(file): tensor \"\(tensor)\": expected \(expected), found \(found)."
                + " Convert the file to one of those types."
        case .integerOutOfRange(let file, let tensor, let index, let value):
            "\(file): tensor \"\(tensor)\": expected integers that fit 32 bits, found \(value) at element"
                + " \(index). Check that this is the right file for this model."
        case .unwritable(let file, let reason):
            "\(file): cannot write: \(reason). Check free space and the directory's permissions."
        case .notAFile(let file): "\(file): cannot write: it is not a regular file. Choose another path."
        }
    }

    private static func listing(_ names: [String]) -> String {
        let shown = names.prefix(3).map { "\"\($0)\"" }.joined(separator: ", ")
        return "it has \(names.count)" + (names.isEmpty ? "" : ": " + shown) + (names.count > 3 ? ", …" : "")
    }
}

/// What the last failed system call reported.
func systemReason() -> String { String(cString: strerror(errno)) }
