import TensorCore

extension SafetensorsFile {
    /// Whether a file may be written here, before the work that fills it.
    ///
    /// - Throws: `SafetensorsError.notAFile` for a device, a pipe or a directory.
    public static func checkTarget(_ path: String) throws { _ = try AtomicFile.target(of: path) }

    /// Writes tensors so that readers see the whole new file or none of it.
    ///
    /// The same tensors and metadata always give the same bytes, those the reference library writes: metadata by
    /// key; tensors by type, widest first, so that each starts aligned, then by name.
    ///
    /// - Parameter metadata: texts to keep beside the tensors; transformers asks for `["format": "pt"]`.
    public static func write(
        _ tensors: [String: Tensor], metadata: [String: String] = [:], to path: String
    ) throws {
        precondition(
            tensors[SafetensorsHeader.metadataKey] == nil,
            "SafetensorsFile.write: \(SafetensorsHeader.metadataKey) is reserved and cannot name a tensor")
        let ordered = tensors.sorted {
            let (left, right) = (StoredType($0.value.dtype).order, StoredType($1.value.dtype).order)
            return left != right ? left > right : $0.key < $1.key
        }
        let header = headerBytes(ordered, metadata)
        try AtomicFile.write(to: path) { file in
            try header.withUnsafeBytes { try file.append($0) }
            for (_, tensor) in ordered { try tensor.withHostBytes { try file.append($0) } }
        }
    }

    /// Length and padded JSON.
    private static func headerBytes(
        _ tensors: [(key: String, value: Tensor)], _ metadata: [String: String]
    ) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { quoted($0) + ":" + quoted($1) }
            members.append(quoted(SafetensorsHeader.metadataKey) + ":{" + pairs.joined(separator: ",") + "}")
        }
        var start = 0
        for (name, tensor) in tensors {
            let shape = tensor.shape.dimensions.map(String.init).joined(separator: ",")
            let end = start + tensor.byteCount
            members.append(
                quoted(name) + ":{\"dtype\":\"\(StoredType(tensor.dtype).rawValue)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(start),\(end)]}")
            start = end
        }
        var json = Array(("{" + members.joined(separator: ",") + "}").utf8)
        while json.count % 8 != 0 { json.append(0x20) }
        precondition(
            json.count <= SafetensorsHeader.maximumLength,
            "SafetensorsFile.write: names and metadata take \(json.count) bytes, more than the format allows")
        return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\u{8}": result += "\\b"
            case "\u{C}": result += "\\f"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{0}"..<"\u{20}":
                let code = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - code.count) + code
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
