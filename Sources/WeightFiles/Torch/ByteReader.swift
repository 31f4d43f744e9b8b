/// Little-endian numbers and texts of a file, none of them beyond its end.
struct ByteReader {
    let bytes: UnsafeRawBufferPointer
    let path: String

    var count: Int { bytes.count }

    func invalid(_ reason: String) -> ModelFilesError { .invalid(path: path, reason: reason) }

    /// An unsigned integer of `width` bytes that fits `Int`.
    func integer(_ width: Int, at start: Int) throws -> Int {
        let value = try slice(start, count: width).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let integer = Int(exactly: value) else {
            throw invalid("a number at byte \(start) is too large")
        }
        return integer
    }

    func text(_ start: Int, count: Int) throws -> String {
        guard let text = String(validating: try slice(start, count: count), as: UTF8.self) else {
            throw invalid("the text at byte \(start) is not UTF-8")
        }
        return text
    }

    func slice(_ start: Int, count: Int) throws -> Slice<UnsafeRawBufferPointer> {
        guard start >= 0, count >= 0, count <= bytes.count, start <= bytes.count - count else {
            throw invalid("it ends too early")
        }
        return bytes[start..<start + count]
    }
}
