import Foundation

/// A JSON file of a model directory.
public enum JSONFile {
    /// Far above what any configuration or vocabulary takes; it keeps a wrong path from filling memory.
    static let maximumSize = 256 << 20

    /// Decodes a whole file.
    ///
    /// - Throws: `ModelFilesError` that names the file and the key.
    public static func decode<Value: Decodable>(_ type: Value.Type, from path: String) throws -> Value {
        let contents = try contents(of: path)
        do {
            return try JSONDecoder().decode(type, from: contents)
        } catch let error as DecodingError {
            throw ModelFilesError.invalid(path: path, reason: error.summary(of: contents))
        } catch let refusal as ForeignValue {
            throw ModelFilesError.unsupported(path: path, what: "\(refusal)", advice: refusal.advice)
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
    fileprivate func summary(of text: Data) -> String {
        let (path, problem): ([any CodingKey], String) =
            switch self {
            case .typeMismatch(_, let context): (context.codingPath, context.debugDescription)
            case .valueNotFound(_, let context): (context.codingPath, context.debugDescription)
            case .keyNotFound(let key, let context): (context.codingPath + [key], "is missing")
            case .dataCorrupted(let context):
                (
                    context.codingPath,
                    context.codingPath.isEmpty ? corruption(of: text) : context.debugDescription
                )
            @unknown default: ([], "cannot be decoded")
            }
        let key = path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        return key.isEmpty ? problem : "\(key): \(problem)"
    }

    /// Foundation calls text corrupt, without a place, for a number that is to be an integer and is none too.
    private func corruption(of text: Data) -> String {
        guard let value = try? JSONSerialization.jsonObject(with: text, options: .fragmentsAllowed) else {
            return "not valid JSON"
        }
        return "a number is too large, or not whole where it has to be: "
            + cut(numbersThatAreNoIntegers(in: value, under: ""), separator: " or ")
    }

    private func numbersThatAreNoIntegers(in value: Any, under key: String) -> [String] {
        switch value {
        case let object as [String: Any]:
            object.sorted { $0.key < $1.key }.flatMap {
                numbersThatAreNoIntegers(in: $0.value, under: key.isEmpty ? $0.key : "\(key).\($0.key)")
            }
        case let list as [Any]: list.flatMap { numbersThatAreNoIntegers(in: $0, under: key) }
        case let number as NSNumber: Int32(exactly: number.doubleValue) == nil ? ["\(key) (\(number))"] : []
        default: []
        }
    }
}
