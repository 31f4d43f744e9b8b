import Foundation
import TestSupport

/// Runs `body` with the path of a file of the given bytes.
func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
    try withTemporaryDirectory { directory in
        let url = directory.appendingPathComponent("x.safetensors")
        try Data(bytes).write(to: url)
        return try body(url.path)
    }
}

/// Runs `body` with a file that claims `length` header bytes, or as many as there are.
func withFile<Result>(
    header: [UInt8], length: UInt64? = nil, data: [UInt8] = [], _ body: (String) throws -> Result
) throws -> Result {
    try withFile(fileBytes(header: header, length: length, data: data), body)
}

/// Length, header, data.
func fileBytes(header: [UInt8], length: UInt64? = nil, data: [UInt8] = []) -> [UInt8] {
    let claimed = length ?? UInt64(header.count)
    return withUnsafeBytes(of: claimed.littleEndian) { Array($0) } + header + data
}

/// A file that is rewritten many times; emptying it by name each time would make the file system flush it.
struct ScratchFile {
    let url: URL
    private let handle: FileHandle

    init(in directory: URL) throws {
        url = directory.appendingPathComponent("x.safetensors")
        try Data().write(to: url)
        handle = try FileHandle(forWritingTo: url)
    }

    func replaceContents(with bytes: [UInt8]) throws {
        try handle.seek(toOffset: 0)
        try handle.write(contentsOf: bytes)
        try handle.truncate(atOffset: UInt64(bytes.count))
    }
}
