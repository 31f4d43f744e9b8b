/// Reads the few JSON forms a safetensors header and LoRA metadata are made of, strictly (RFC 8259).
///
/// Their depth is fixed, so there is no recursion for hostile nesting to exhaust; and the caller sees what general JSON
/// readers hide: repeated keys, and the order of keys.
struct JSONCursor {
    let bytes: UnsafeRawBufferPointer
    let file: String
    private(set) var position: Int

    /// - Parameter bytes: the file up to the end of the header, so that errors count bytes of the file.
    init(_ bytes: UnsafeRawBufferPointer, from start: Int, file: String) {
        self.bytes = bytes
        self.file = file
        self.position = start
    }

    var isAtEnd: Bool { position == bytes.count }

    /// The next byte, without passing it.
    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    mutating func expect(_ character: Unicode.Scalar) throws {
        skipSpace()
        guard next == UInt8(ascii: character) else { throw problem(expected: "'\(character)'") }
        position += 1
    }

    /// Passes `character` if it comes next.
    mutating func accept(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// A non-negative integer that fits `Int`.
    mutating func integer() throws -> Int {
        skipSpace()
        let start = position
        var value = 0
        while let digit = next, (0x30...0x39).contains(digit) {
            let (product, productOverflows) = value.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflows) = product.addingReportingOverflow(Int(digit - 0x30))
            guard !productOverflows, !sumOverflows else {
                throw problem(at: start, expected: "an integer below 2^63", found: "a larger one")
            }
            value = sum
            position += 1
        }
        guard position > start else { throw problem(expected: "a non-negative integer") }
        guard position == start + 1 || bytes[start] != UInt8(ascii: "0") else {
            throw problem(at: start, expected: "an integer", found: "a leading zero")
        }
        return value
    }

    /// Passes a value of any kind in text that is known to be JSON.
    mutating func skipValue() throws {
        var depth = 0
        repeat {
            skipSpace()
            switch next.map(Unicode.Scalar.init) {
            case nil: throw problem(expected: "a value")
            case "\"": _ = try string()
            case "{", "[":
                depth += 1
                position += 1
            case "}", "]":
                depth -= 1
                position += 1
            case ",", ":": position += 1
            default: while let byte = next, !Self.delimiters.contains(byte) { position += 1 }
            }
        } while depth > 0
    }

    private static let delimiters = Set(",:]} \t\r\n".utf8)

    /// Runs `element` for each member between `open` and `close`, with commas between.
    mutating func sequence(
        _ open: Unicode.Scalar, _ close: Unicode.Scalar,
        _ element: (inout JSONCursor) throws -> Void
    ) throws {
        try expect(open)
        if accept(close) { return }
        repeat { try element(&self) } while accept(",")
        try expect(close)
    }

    func problem(at place: Int? = nil, expected: String, found: String? = nil) -> SafetensorsError {
        let place = place ?? position
        return .damaged(
            file: file, place: .header(byte: place), expected: expected, found: found ?? foundText(at: place))
    }

    private func foundText(at place: Int) -> String {
        guard place < bytes.count else { return "the end of the header" }
        let byte = bytes[place]
        return (0x21...0x7E).contains(byte)
            ? "'\(Unicode.Scalar(byte))'" : "byte 0x" + String(byte, radix: 16, uppercase: true)
    }
}

// MARK: Strings

extension JSONCursor {
    mutating func string() throws -> String {
        try expect("\"")
        let start = position
        var decoded: [UInt8] = []
        var copied = position
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw problem(expected: "no control character in a string") }
            position += 1
            if byte == UInt8(ascii: "\\") {
                decoded.append(contentsOf: bytes[copied..<(position - 1)])
                decoded.append(contentsOf: try escape().utf8)
                copied = position
            }
        }
        decoded.append(contentsOf: bytes[copied..<position])
        try expect("\"")
        guard let text = String(validating: decoded, as: UTF8.self) else {
            throw problem(at: start, expected: "UTF-8 text", found: "other bytes")
        }
        return text
    }

    /// What follows a backslash.
    private mutating func escape() throws -> String {
        guard let kind = next else { throw problem(expected: "an escape") }
        position += 1
        switch Unicode.Scalar(kind) {
        case "\"", "\\", "/": return String(Unicode.Scalar(kind))
        case "b": return "\u{8}"
        case "f": return "\u{C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "u": return String(try escapedScalar())
        default: throw problem(at: position - 1, expected: "an escape of JSON")
        }
    }

    /// `XXXX`, or `XXXX\uXXXX` for a pair of surrogates.
    private mutating func escapedScalar() throws -> Unicode.Scalar {
        let start = position
        var value = try hexadecimal()
        if (0xD800...0xDBFF).contains(value), next == UInt8(ascii: "\\") {
            position += 1
            guard next == UInt8(ascii: "u") else { throw problem(expected: "the second of two surrogates") }
            position += 1
            let low = try hexadecimal()
            guard (0xDC00...0xDFFF).contains(low) else {
                throw problem(at: start, expected: "a pair of surrogates", found: "half of one")
            }
            value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(value) else {
            throw problem(at: start, expected: "a pair of surrogates", found: "half of one")
        }
        return scalar
    }

    private mutating func hexadecimal() throws -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw problem(expected: "four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
