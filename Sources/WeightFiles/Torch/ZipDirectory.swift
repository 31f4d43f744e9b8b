/// Where the members of a zip archive lie, for archives that store without compressing, as PyTorch's do.
///
/// PKWARE's APPNOTE 6.3.9, §4.3, with zip64.
struct ZipDirectory {
    /// Bytes of each member within the file.
    let members: [String: Range<Int>]

    private static let endLength = 22
    private static let longestComment = 65_535

    init(_ file: ByteReader) throws {
        let end = try Self.endRecord(file)
        var directory = try Self.location(file, end: end)
        var members: [String: Range<Int>] = [:]
        for _ in 0..<directory.count {
            let entry = try Entry(file, at: &directory.start)
            guard members.updateValue(try entry.data(in: file), forKey: entry.name) == nil else {
                throw file.invalid("two members are named \"\(entry.name)\"")
            }
        }
        self.members = members
    }

    /// Start of the end-of-central-directory record, which a comment may follow.
    private static func endRecord(_ file: ByteReader) throws -> Int {
        let last = file.count - endLength
        guard last >= 0 else { throw file.invalid("not a zip archive, as PyTorch writes since 1.6") }
        for start in stride(from: last, through: max(0, last - longestComment), by: -1)
        where try file.integer(4, at: start) == 0x0605_4B50 {
            return start
        }
        throw file.invalid("not a zip archive, as PyTorch writes since 1.6")
    }

    private static func location(_ file: ByteReader, end: Int) throws -> (start: Int, count: Int) {
        let (count, start) = (try file.integer(2, at: end + 10), try file.integer(4, at: end + 16))
        guard count == 0xFFFF || start == 0xFFFF_FFFF else { return (start, count) }
        guard end >= 20, try file.integer(4, at: end - 20) == 0x0706_4B50 else { return (start, count) }
        let wide = try file.integer(8, at: end - 12)
        guard try file.integer(4, at: wide) == 0x0606_4B50 else { throw file.invalid("no zip64 directory") }
        return (try file.integer(8, at: wide + 48), try file.integer(8, at: wide + 32))
    }

    /// One header of the central directory.
    private struct Entry {
        let name: String
        private var size: Int
        private var offset: Int

        /// - Parameter start: moves to the next header.
        init(_ file: ByteReader, at start: inout Int) throws {
            guard try file.integer(4, at: start) == 0x0201_4B50 else {
                throw file.invalid("the zip directory is damaged at byte \(start)")
            }
            let (flags, method) = (try file.integer(2, at: start + 8), try file.integer(2, at: start + 10))
            let nameLength = try file.integer(2, at: start + 28)
            let extraLength = try file.integer(2, at: start + 30)
            let commentLength = try file.integer(2, at: start + 32)
            name = try file.text(start + 46, count: nameLength)
            guard method == 0, flags & 1 == 0 else {
                throw file.invalid("member \"\(name)\" is compressed or encrypted")
            }
            let packed = try file.integer(4, at: start + 20)
            size = try file.integer(4, at: start + 24)
            offset = try file.integer(4, at: start + 42)
            let extra = start + 46 + nameLength
            try readZip64(file, extra..<extra + extraLength, hasPackedSize: packed == 0xFFFF_FFFF)
            start = extra + extraLength + commentLength
        }

        /// Fields that do not fit 32 bits stand in this order in an extra field.
        private mutating func readZip64(_ file: ByteReader, _ range: Range<Int>, hasPackedSize: Bool) throws {
            var place = range.lowerBound
            while place + 4 <= range.upperBound {
                let (kind, length) = (try file.integer(2, at: place), try file.integer(2, at: place + 2))
                var field = place + 4
                place = field + length
                guard kind == 1 else { continue }
                if size == 0xFFFF_FFFF {
                    size = try file.integer(8, at: field)
                    field += 8
                }
                if hasPackedSize { field += 8 }
                if offset == 0xFFFF_FFFF { offset = try file.integer(8, at: field) }
            }
        }

        func data(in file: ByteReader) throws -> Range<Int> {
            guard try file.integer(4, at: offset) == 0x0403_4B50 else {
                throw file.invalid("member \"\(name)\" has no header at byte \(offset)")
            }
            let lengths = try file.integer(2, at: offset + 26) + file.integer(2, at: offset + 28)
            let start = offset + 30 + lengths
            guard size <= file.count, start <= file.count - size else {
                throw file.invalid("member \"\(name)\" ends beyond the file")
            }
            return start..<start + size
        }
    }
}
