import Foundation

/// The text chunks of a PNG file, which libpng's simplified interface neither writes nor reads.
///
/// Source: PNG specification (ISO/IEC 15948) §5.3, 11.3.4: a chunk is length, type, data, CRC-32 of type and
/// data.
enum PNGText {
    private static let signatureLength = 8
    private static let headerChunkLength = 25

    /// The file with one chunk per entry, sorted by keyword, right after the header chunk.
    static func inserting(_ text: [String: String], into file: Data) -> Data {
        let chunks = text.sorted { $0.key < $1.key }.map { chunk(keyword: $0.key, text: $0.value) }
        let position = signatureLength + headerChunkLength
        return file.prefix(position) + Data(chunks.joined()) + file.dropFirst(position)
    }

    /// `tEXt` when the text is Latin-1, which every reader knows; else `iTXt`, which is UTF-8.
    private static func chunk(keyword: String, text: String) -> [UInt8] {
        let key = latin1(keyword) ?? []
        precondition(
            (1...79).contains(key.count) && !key.contains(0),
            "PNGImage.text: got the keyword \"\(keyword)\", expected 1 to 79 Latin-1 characters")
        let clean = text.filter { $0 != "\0" }
        let typeAndData =
            latin1(clean).map { Array("tEXt".utf8) + key + [0] + $0 }
            ?? Array("iTXt".utf8) + key + [0, 0, 0, 0, 0] + Array(clean.utf8)
        return bigEndian(UInt32(typeAndData.count - 4)) + typeAndData
            + bigEndian(CRC32.ieee.checksum(typeAndData))
    }

    private static func latin1(_ text: String) -> [UInt8]? {
        let bytes = text.unicodeScalars.compactMap { UInt8(exactly: $0.value) }
        return bytes.count == text.unicodeScalars.count ? bytes : nil
    }

    /// The entries of `tEXt` and uncompressed `iTXt` chunks of a file that libpng has accepted; compressed
    /// text is left out.
    static func read(from file: [UInt8]) -> [String: String] {
        var text: [String: String] = [:]
        var rest = file.dropFirst(signatureLength)
        while rest.count >= 12 {
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            guard rest.count >= 12 + length else { break }
            let type = String(decoding: rest.dropFirst(4).prefix(4), as: UTF8.self)
            if let (keyword, value) = entry(type: type, data: rest.dropFirst(8).prefix(length)) {
                text[keyword] = value
            }
            rest = rest.dropFirst(12 + length)
        }
        return text
    }

    private static func entry(type: String, data: ArraySlice<UInt8>) -> (String, String)? {
        guard type == "tEXt" || type == "iTXt", let end = data.firstIndex(of: 0) else { return nil }
        let keyword = fromLatin1(data[..<end])
        var value = data[(end + 1)...]
        if type == "tEXt" { return (keyword, fromLatin1(value)) }
        // Compression flag and method, then language tag and translated keyword, each ended by a zero.
        guard value.first == 0 else { return nil }
        value = value.dropFirst(2)
        for _ in 0..<2 {
            guard let zero = value.firstIndex(of: 0) else { return nil }
            value = value[(zero + 1)...]
        }
        return (keyword, String(decoding: value, as: UTF8.self))
    }

    private static func fromLatin1(_ bytes: ArraySlice<UInt8>) -> String {
        String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }
}
