import Foundation
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// Each rule of the format, broken once.
final class SafetensorsRefusalTests: XCTestCase {
    private func assertRefused(
        _ header: String, length: UInt64? = nil, data: Int = 0, _ place: SafetensorsError.Place,
        found: String, file: StaticString = #filePath, line: UInt = #line
    ) throws {
        let bytes = [UInt8](repeating: 0, count: data)
        try withFile(header: Array(header.utf8), length: length, data: bytes) { path in
            XCTAssertThrowsError(try SafetensorsFile(path: path), header, file: file, line: line) { error in
                guard case SafetensorsError.damaged(path, let broken, let expected, let what) = error else {
                    return XCTFail("\(error)", file: file, line: line)
                }
                XCTAssertEqual(broken, place, file: file, line: line)
                XCTAssertEqual(what, found, file: file, line: line)
                XCTAssertFalse(expected.isEmpty, file: file, line: line)
                XCTAssertTrue("\(error)".contains(path), file: file, line: line)
            }
        }
    }

    private func tensor(_ dtype: String, _ shape: String, _ offsets: String) -> String {
        #"{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
    }

    func testFilesThatAreNone() throws {
        try withFile([]) { path in XCTAssertThrowsError(try SafetensorsFile(path: path)) }
        try withFile([2, 0, 0, 0, 0, 0, 0]) { path in
            XCTAssertThrowsError(try SafetensorsFile(path: path)) { error in
                XCTAssertEqual(
                    error as? SafetensorsError,
                    .damaged(file: path, place: .headerLength, expected: "8 bytes", found: "a file of 7"))
            }
        }
        try withTemporaryDirectory { directory in
            let pipe = directory.appendingPathComponent("pipe").path
            XCTAssertEqual(mkfifo(pipe, 0o600), 0)
            for path in [directory.path, pipe] {
                XCTAssertThrowsError(try SafetensorsFile(path: path)) { error in
                    XCTAssertEqual(
                        error as? SafetensorsError,
                        .unreadable(file: path, reason: "it is not a regular file"))
                }
            }
            let missing = directory.appendingPathComponent("missing").path
            XCTAssertThrowsError(try SafetensorsFile(path: missing)) { error in
                XCTAssertEqual(
                    "\(error)",
                    "\(missing): cannot read: No such file or directory. Check the path and its permissions.")
            }
        }
    }

    func testHeaderLength() throws {
        try assertRefused("{}", length: 3, .headerLength, found: "a length of 3")
        try assertRefused("{}", length: 1000, .headerLength, found: "a length of 1000")
        try assertRefused("{}", length: 100_000_001, .headerLength, found: "100000001")
        try assertRefused("{}", length: 1 << 63, .headerLength, found: "9223372036854775808")
        try assertRefused("{}", length: .max, .headerLength, found: "18446744073709551615")
        try assertRefused("{}", length: 0, .header(byte: 8), found: "the end of the header")
        try assertRefused("{}", length: 1, .header(byte: 9), found: "the end of the header")
    }

    func testHeaderSyntax() throws {
        try assertRefused(" {}", .header(byte: 8), found: "byte 0x20")
        try assertRefused("[]", .header(byte: 8), found: "'['")
        try assertRefused("{}x", .header(byte: 10), found: "'x'")
        try assertRefused("{}\u{0}", .header(byte: 10), found: "byte 0x0")
        try assertRefused("{,}", .header(byte: 9), found: "','")
        try assertRefused(#"{"a":1}"#, .header(byte: 13), found: "'1'")
        try assertRefused(#"{"a":null}"#, .header(byte: 13), found: "'n'")
        try assertRefused(#"{"a""#, .header(byte: 12), found: "the end of the header")
        try assertRefused(#"{"a"#, .header(byte: 11), found: "the end of the header")
        try assertRefused(#"{"a":{},}"#, .tensor("a"), found: "one of them missing")
        try assertRefused("{\u{FEFF}}", .header(byte: 9), found: "byte 0xEF")
    }

    func testStrings() throws {
        try assertRefused("{\"a\nb\":{}}", .header(byte: 11), found: "byte 0xA")
        try assertRefused(#"{"\x":{}}"#, .header(byte: 11), found: "'x'")
        try assertRefused(#"{"\u12":{}}"#, .header(byte: 14), found: "'\"'")
        try assertRefused(#"{"\ud800":{}}"#, .header(byte: 12), found: "half of one")
        try assertRefused(#"{"\udc00":{}}"#, .header(byte: 12), found: "half of one")
        try assertRefused(#"{"\ud800\u0041":{}}"#, .header(byte: 12), found: "half of one")
        try assertRefused(#"{"\ud800\n":{}}"#, .header(byte: 17), found: "'n'")
        try withFile(header: [0x7B, 0x22, 0xC0, 0x80, 0x22, 0x3A]) { path in
            XCTAssertThrowsError(try SafetensorsFile(path: path)) { error in
                XCTAssertEqual(
                    error as? SafetensorsError,
                    .damaged(
                        file: path, place: .header(byte: 10), expected: "UTF-8 text", found: "other bytes"))
            }
        }
    }

    func testNestingBombsEndAtTheFirstLevelTooMany() throws {
        let bomb = String(repeating: "[", count: 1_000_000)
        try assertRefused(bomb, .header(byte: 8), found: "'['")
        try assertRefused(#"{"a":"# + bomb, .header(byte: 13), found: "'['")
        try assertRefused(#"{"a":{"shape":["# + bomb, .header(byte: 23), found: "'['")
        try assertRefused(
            String(repeating: #"{"a":"#, count: 200_000), .header(byte: 14), found: "\"a\"")
    }

    func testRepeatedKeys() throws {
        let entry = tensor("U8", "[1]", "[0,1]")
        try assertRefused(
            #"{"a":\#(entry),"a":\#(entry)}"#, data: 1, .header(byte: 61), found: "\"a\" again")
        try assertRefused(
            #"{"a":\#(entry),"\u0061":\#(entry)}"#, data: 1, .header(byte: 61), found: "\"a\" again")
        try assertRefused(
            #"{"__metadata__":{},"__metadata__":{}}"#, .header(byte: 27), found: "\"__metadata__\" again")
        try assertRefused(
            #"{"__metadata__":{"k":"1","k":"2"}}"#, .header(byte: 33), found: "\"k\" again")
        try assertRefused(
            #"{"a":{"dtype":"U8","dtype":"U8"}}"#, .header(byte: 27), found: "\"dtype\" again")
    }

    func testMetadataHoldsTextsOnly() throws {
        try assertRefused(#"{"__metadata__":{"k":1}}"#, .header(byte: 29), found: "'1'")
        try assertRefused(#"{"__metadata__":{"k":{}}}"#, .header(byte: 29), found: "'{'")
        try assertRefused(#"{"__metadata__":"text"}"#, .header(byte: 24), found: "'\"'")
    }

    func testTensorFields() throws {
        try assertRefused(
            #"{"a":{"dtype":"U8","shape":[1]}}"#, data: 1, .tensor("a"), found: "one of them missing")
        try assertRefused(
            #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":0}}"#, data: 1, .header(byte: 60),
            found: "\"x\"")
        try assertRefused(
            #"{"a":\#(tensor("F33", "[1]", "[0,4]"))}"#, data: 4, .tensor("a"), found: "\"F33\"")
        try assertRefused(
            #"{"a":\#(tensor("f32", "[1]", "[0,4]"))}"#, data: 4, .tensor("a"), found: "\"f32\"")
        try assertRefused(#"{"a":{"dtype":7}}"#, .header(byte: 22), found: "'7'")
        try assertRefused(#"{"a":{"shape":7}}"#, .header(byte: 22), found: "'7'")
    }

    func testIntegers() throws {
        for (text, byte, found) in [
            ("[-1]", 23, "'-'"), ("[1.0]", 24, "'.'"), ("[1e2]", 24, "'e'"), ("[01]", 23, "a leading zero"),
            ("[\"1\"]", 23, "'\"'"), ("[1,]", 25, "']'"), ("[true]", 23, "'t'"),
            ("[9223372036854775808]", 23, "a larger one"), ("[18446744073709551617]", 23, "a larger one"),
            ("[99999999999999999999999999999]", 23, "a larger one"),
        ] {
            try assertRefused(#"{"a":{"shape":\#(text)}}"#, .header(byte: byte), found: found)
        }
    }

    func testShapesThatOverflow() throws {
        for shape in [
            "[9223372036854775807,2]", "[4294967296,4294967296]", "[2305843009213693952]",
            // An empty tensor whose other axes would overflow its strides.
            "[0,4294967296,4294967296]", "[4294967296,4294967296,0]",
        ] {
            try assertRefused(
                #"{"a":\#(tensor("F32", shape, "[0,0]"))}"#, .tensor("a"),
                found: "shape \(shape.replacingOccurrences(of: ",", with: ", ")) of F32")
        }
        let axes = Array(repeating: "1", count: Shape.maximumRank + 1).joined(separator: ",")
        try assertRefused(
            #"{"a":\#(tensor("U8", "[\(axes)]", "[0,1]"))}"#, data: 1,
            .header(byte: 8 + 28 + 2 * Shape.maximumRank), found: "'1'")
    }

    func testSizesThatDisagree() throws {
        try assertRefused(
            #"{"a":\#(tensor("F32", "[2]", "[0,4]"))}"#, data: 4, .tensor("a"),
            found: "data_offsets of 4 bytes")
        try assertRefused(
            #"{"a":\#(tensor("F32", "[0]", "[0,4]"))}"#, data: 4, .tensor("a"),
            found: "data_offsets of 4 bytes")
        try assertRefused(
            #"{"a":\#(tensor("F4", "[3]", "[0,2]"))}"#, data: 2, .tensor("a"),
            found: "data_offsets of 2 bytes")
        for offsets in ["[4, 0]", "[0]", "[]"] {
            try assertRefused(
                #"{"a":\#(tensor("F32", "[1]", offsets))}"#, data: 4, .tensor("a"), found: offsets)
        }
    }

    func testHolesOverlapsAndLeftovers() throws {
        let first = #""a":\#(tensor("U8", "[4]", "[0,4]"))"#
        func with(_ shape: String, _ offsets: String) -> String {
            "{\(first),\"b\":\(tensor("U8", shape, offsets))}"
        }
        try assertRefused(
            with("[4]", "[0,4]"), data: 4, .tensor("b"), found: "data from byte 0 on: an overlap")
        try assertRefused(
            with("[4]", "[3,7]"), data: 7, .tensor("b"), found: "data from byte 3 on: an overlap")
        try assertRefused(
            with("[4]", "[5,9]"), data: 9, .tensor("b"), found: "data from byte 5 on: a hole")
        // Empty tensors may lie between others, never within one or beyond the end.
        try assertRefused(
            with("[0]", "[2,2]"), data: 4, .tensor("b"), found: "data from byte 2 on: an overlap")
        try assertRefused(
            with("[0]", "[9,9]"), data: 4, .tensor("b"), found: "data from byte 9 on: a hole")
        try assertRefused(with("[4]", "[4,8]"), data: 7, .data, found: "7")
        try assertRefused(with("[4]", "[4,8]"), data: 9, .data, found: "9")
        try assertRefused("{}", data: 1, .data, found: "1")
        for offset in [0, 4] {
            try withFile(header: Array(with("[0]", "[\(offset),\(offset)]").utf8), data: [1, 2, 3, 4]) {
                XCTAssertEqual(try SafetensorsFile(path: $0).withBytes(of: "a") { Array($0) }, [1, 2, 3, 4])
            }
        }
    }

    /// The denial-of-service shape of the reference library's `attacks`: a small file that claims many tensors.
    func testManyTensorsOnTheSameBytes() throws {
        let entry = tensor("F32", "[200,200]", "[0,160000]")
        let header = "{" + (0..<100_000).map { "\"weight_\($0)\":\(entry)" }.joined(separator: ",") + "}"
        try withFile(header: Array(header.utf8), data: [UInt8](repeating: 0, count: 160_000)) { path in
            XCTAssertThrowsError(try SafetensorsFile(path: path)) { error in
                XCTAssertTrue("\(error)".contains("an overlap"), "\(error)")
            }
        }
    }

    func testAcceptsAnEmptyFileOfTensors() throws {
        try withFile(header: Array("{}      ".utf8)) { path in
            XCTAssertTrue(try SafetensorsFile(path: path).entries.isEmpty)
        }
    }
}
