import TensorCore

/// One tensor of a safetensors file, as the header describes it.
public struct SafetensorsEntry: Equatable, Sendable {
    public let name: String
    public let type: StoredType
    public let shape: Shape
    /// Its bytes, counted from the start of the data section.
    public let range: Range<Int>
}

/// The checked header of a safetensors file.
///
/// Layout: u64 little-endian length, that many bytes of JSON padded with spaces, then the data, which the tensors
/// cover exactly: no holes, no overlap, nothing left over.
struct SafetensorsHeader {
    /// Bytes before the header.
    static let lengthWidth = 8
    /// The format's own limit; it keeps a hostile length from costing memory.
    static let maximumLength = 100_000_000
    static let metadataKey = "__metadata__"

    private(set) var metadata: [String: String] = [:]
    /// In the order of their bytes.
    private(set) var entries: [SafetensorsEntry] = []
    /// First byte of the data section.
    let dataStart: Int

    init(_ bytes: UnsafeRawBufferPointer, file: String) throws {
        let length = try Self.length(bytes, file: file)
        dataStart = Self.lengthWidth + length
        let header = UnsafeRawBufferPointer(rebasing: bytes[..<dataStart])
        var cursor = JSONCursor(header, from: Self.lengthWidth, file: file)
        guard cursor.next == UInt8(ascii: "{") else { throw cursor.problem(expected: "'{'") }
        try parse(&cursor)
        cursor.skipSpace()
        guard cursor.isAtEnd else { throw cursor.problem(expected: "nothing but spaces after the header") }
        entries.sort {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        try checkCoverage(dataByteCount: bytes.count - dataStart, file: file)
    }

    private static func length(_ bytes: UnsafeRawBufferPointer, file: String) throws -> Int {
        func problem(_ expected: String, _ found: String) -> SafetensorsError {
            .damaged(file: file, place: .headerLength, expected: expected, found: found)
        }
        guard bytes.count >= lengthWidth else {
            throw problem("\(lengthWidth) bytes", "a file of \(bytes.count)")
        }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(maximumLength) else {
            throw problem("at most \(maximumLength) bytes", "\(length)")
        }
        guard Int(length) <= bytes.count - lengthWidth else {
            throw problem("a header within the file's \(bytes.count) bytes", "a length of \(length)")
        }
        return Int(length)
    }

    private mutating func parse(_ cursor: inout JSONCursor) throws {
        var seen: Set<String> = []
        try cursor.sequence("{", "}") { cursor in
            let name = try uniqueKey(&cursor, &seen)
            if name == Self.metadataKey {
                metadata = try Self.parseMetadata(&cursor)
            } else {
                entries.append(try EntryFields(&cursor, name: name).entry(file: cursor.file))
            }
        }
    }

    private static func parseMetadata(_ cursor: inout JSONCursor) throws -> [String: String] {
        var metadata: [String: String] = [:]
        var seen: Set<String> = []
        try cursor.sequence("{", "}") { cursor in
            metadata[try uniqueKey(&cursor, &seen)] = try cursor.string()
        }
        return metadata
    }

    private func checkCoverage(dataByteCount: Int, file: String) throws {
        var covered = 0
        for entry in entries {
            guard entry.range.lowerBound == covered else {
                let fault = entry.range.lowerBound < covered ? "an overlap" : "a hole"
                throw SafetensorsError.damaged(
                    file: file, place: .tensor(entry.name), expected: "data from byte \(covered) on",
                    found: "data from byte \(entry.range.lowerBound) on: \(fault)")
            }
            covered = entry.range.upperBound
        }
        guard covered == dataByteCount else {
            throw SafetensorsError.damaged(
                file: file, place: .data, expected: "\(covered) bytes, as the header says",
                found: "\(dataByteCount)")
        }
    }
}

/// Reads `"key":` and refuses a key seen before.
private func uniqueKey(
    _ cursor: inout JSONCursor, _ seen: inout Set<String>
) throws -> String {
    cursor.skipSpace()
    let start = cursor.position
    let key = try cursor.string()
    guard seen.insert(key).inserted else {
        throw cursor.problem(at: start, expected: "each key once", found: "\"\(key)\" again")
    }
    try cursor.expect(":")
    return key
}

/// The members of one tensor's object, before they are checked against each other.
private struct EntryFields {
    let name: String
    private var type: String?
    private var shape: [Int]?
    private var offsets: [Int]?

    init(_ cursor: inout JSONCursor, name: String) throws {
        self.name = name
        var seen: Set<String> = []
        try cursor.sequence("{", "}") { cursor in
            let start = cursor.position
            switch try uniqueKey(&cursor, &seen) {
            case "dtype": type = try cursor.string()
            case "shape": shape = try Self.integers(&cursor, atMost: Shape.maximumRank)
            case "data_offsets": offsets = try Self.integers(&cursor, atMost: 2)
            case let key:
                throw cursor.problem(
                    at: start, expected: "dtype, shape or data_offsets", found: "\"\(key)\"")
            }
        }
    }

    private static func integers(
        _ cursor: inout JSONCursor, atMost limit: Int
    ) throws -> [Int] {
        var values: [Int] = []
        try cursor.sequence("[", "]") { cursor in
            guard values.count < limit else { throw cursor.problem(expected: "at most \(limit) integers") }
            values.append(try cursor.integer())
        }
        return values
    }

    func entry(file: String) throws -> SafetensorsEntry {
        func problem(_ expected: String, _ found: String) -> SafetensorsError {
            .damaged(file: file, place: .tensor(name), expected: expected, found: found)
        }
        guard let type, let shape, let offsets else {
            throw problem("dtype, shape and data_offsets", "one of them missing")
        }
        guard let stored = StoredType(rawValue: type) else {
            let known = StoredType.allCases.map(\.rawValue).joined(separator: ", ")
            throw problem("a dtype of \(known)", "\"\(type)\"")
        }
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw problem("data_offsets [begin, end]", "\(offsets)")
        }
        guard let bits = bitCount(of: shape, stored) else {
            throw problem("a size below 2^60 bytes", "shape \(shape) of \(type)")
        }
        guard bits % 8 == 0, bits / 8 == offsets[1] - offsets[0] else {
            throw problem(
                "\(bits) bits for shape \(shape) of \(type)",
                "data_offsets of \(offsets[1] - offsets[0]) bytes")
        }
        return SafetensorsEntry(
            name: name, type: stored, shape: Shape(shape), range: offsets[0]..<offsets[1])
    }

    /// Bits that `shape` takes, or nil if that overflows.
    ///
    /// An empty tensor must not overflow in its other axes either: strides are products of those.
    private func bitCount(of shape: [Int], _ type: StoredType) -> Int? {
        var bits = type.bitWidth
        for extent in shape {
            let (product, overflows) = bits.multipliedReportingOverflow(by: max(extent, 1))
            guard !overflows else { return nil }
            bits = product
        }
        return shape.contains(0) ? 0 : bits
    }
}
