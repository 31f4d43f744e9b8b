import Foundation

/// A JSON file of a model directory.
public enum JSONFile {
    /// Far above what any configuration or vocabulary takes; it keeps a wrong path from filling memory.
    static let maximumSize = 256 << 20

    /// Decodes a whole file.
    ///
    /// - Throws: `ModelFilesError` that names the file and the key.
    public static func decode<Value: Decodable>(_ type: Value.Type, from path: String) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: contents(of: path))
        } catch let error as DecodingError {
            throw ModelFilesError.invalid(path: path, reason: error.summary)
        }
    }

    /// The bytes of a file of reasonable size.
    public static func contents(of path: String) throws -> Data {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw ModelFilesError.unreadable(path: path, reason: systemReason())
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw ModelFilesError.unreadable(path: path, reason: "it is not a regular file")
        }
        guard status.st_size <= maximumSize else {
            throw ModelFilesError.invalid(path: path, reason: "it has \(status.st_size) bytes; is it JSON?")
        }
        guard let contents = FileManager.default.contents(atPath: path) else {
            throw ModelFilesError.unreadable(path: path, reason: systemReason())
        }
        return contents
    }
}

extension DecodingError {
    /// The key and what is wrong with it, in one line.
    fileprivate var summary: String {
        let (path, problem): ([any CodingKey], String) =
            switch self {
            case .typeMismatch(_, let context): (context.codingPath, context.debugDescription)
            case .valueNotFound(_, let context): (context.codingPath, context.debugDescription)
            case .keyNotFound(let key, let context): (context.codingPath + [key], "is missing")
            case .dataCorrupted(let context):
                (context.codingPath, context.codingPath.isEmpty ? "not valid JSON" : context.debugDescription)
            @unknown default: ([], "cannot be decoded")
            }
        let key = path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        return key.isEmpty ? problem : "\(key): \(problem)"
    }
}
