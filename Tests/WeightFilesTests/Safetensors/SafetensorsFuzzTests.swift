import Foundation
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// Damaged files are refused or read safely: every byte that a reader hands out lies within the file.
final class SafetensorsFuzzTests: XCTestCase {
    private static let trials = 6000

    private func original() throws -> [UInt8] {
        [UInt8](try Data(contentsOf: fixture("tensors.safetensors")))
    }

    /// Opens the file and touches all it offers; returns whether it was accepted.
    private func readEverything(_ path: String, size: Int) throws -> Bool {
        let file: SafetensorsFile
        do { file = try SafetensorsFile(path: path) } catch is SafetensorsError { return false }
        var total = 0
        for entry in file.entries {
            try file.withBytes(of: entry.name) { bytes in
                XCTAssertEqual(bytes.count, entry.range.count)
                total += bytes.count
                _ = bytes.reduce(0) { $0 &+ Int($1) }
            }
            do {
                let tensor = try file.tensor(entry.name)
                XCTAssertEqual(tensor.elementCount, entry.shape.elementCount)
                _ = tensor.doubles
            } catch is SafetensorsError {}
        }
        XCTAssertLessThan(total, size)
        return true
    }

    func testMutationsOfBytes() throws {
        let original = try original()
        var random = SplitMix(state: 1)
        var accepted = 0
        try withTemporaryDirectory { directory in
            let scratch = try ScratchFile(in: directory)
            for _ in 0..<Self.trials {
                let bytes = mutated(original, &random)
                try scratch.replaceContents(with: bytes)
                if try readEverything(scratch.url.path, size: max(bytes.count, 1)) { accepted += 1 }
            }
        }
        // Damage to the numbers of a tensor goes unseen, as it must; damage to the header nearly never.
        XCTAssertGreaterThan(accepted, 0)
        XCTAssertLessThan(accepted, Self.trials / 2)
    }

    /// Text that fits the grammar but lies: numbers, types and names replaced by hostile ones.
    func testMutationsOfTheHeaderText() throws {
        let original = try original()
        let length = Int(original[0]) + Int(original[1]) << 8
        let header = String(decoding: original[8..<(8 + length)], as: UTF8.self)
        let data = Array(original[(8 + length)...])
        let numbers = [
            "0", "1", "4", "8", "32", "64", "80", "96", "4294967296", "9223372036854775807",
            "18446744073709551616", "-1", "1e3", "[0]", "\"0\"",
        ]
        let types = ["F64", "F32", "F16", "BF16", "I64", "I32", "U8", "BOOL", "F4", "F6_E2M3", "C64", "X"]
        var random = SplitMix(state: 2)
        try withTemporaryDirectory { directory in
            let scratch = try ScratchFile(in: directory)
            for _ in 0..<Self.trials / 4 {
                var text = header
                for _ in 0...random.below(3) {
                    let isType = random.below(4) == 0
                    let ranges = text.ranges(of: isType ? /"[A-Z0-9_]+"/ : /[0-9]+/)
                    let value = isType ? "\"\(random.pick(types))\"" : random.pick(numbers)
                    guard !ranges.isEmpty else { break }
                    text.replaceSubrange(random.pick(ranges), with: value)
                }
                let bytes = fileBytes(header: Array(text.utf8), data: data)
                try scratch.replaceContents(with: bytes)
                _ = try readEverything(scratch.url.path, size: bytes.count)
            }
        }
    }

    func testTruncationsAreRefused() throws {
        let original = try original()
        try withTemporaryDirectory { directory in
            let scratch = try ScratchFile(in: directory)
            for length in 0..<original.count {
                try scratch.replaceContents(with: Array(original[..<length]))
                XCTAssertThrowsError(try SafetensorsFile(path: scratch.url.path), "\(length)")
            }
        }
    }

    private func mutated(_ original: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        var bytes = original
        // Most damage goes where the rules are.
        let headerEnd = 8 + Int(original[0]) + Int(original[1]) << 8
        for _ in 0...random.below(4) {
            let place = random.below(random.below(5) == 0 ? bytes.count : min(headerEnd, bytes.count))
            switch random.below(6) {
            case 0: bytes[place] ^= 1 << UInt8(random.below(8))
            case 1: bytes[place] = UInt8(random.below(256))
            case 2: bytes.remove(at: place)
            case 3: bytes.insert(random.pick(Array("{}[]\",:0129 \\u".utf8)), at: place)
            case 4: bytes.removeSubrange(place..<min(bytes.count, place + random.below(40)))
            default:
                let end = min(bytes.count, place + random.below(60))
                bytes.insert(contentsOf: bytes[place..<end], at: random.below(bytes.count))
            }
        }
        return bytes
    }
}

/// Steele, Lea & Flood 2014: a tiny generator for reproducible damage.
private struct SplitMix {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) % UInt64(max(bound, 1)))
    }

    mutating func pick<Element>(_ choices: [Element]) -> Element { choices[below(choices.count)] }
}
