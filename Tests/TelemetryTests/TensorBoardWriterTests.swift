import Foundation
import Telemetry
import XCTest

final class TensorBoardWriterTests: XCTestCase {
    /// The wall times of the fixture; the first is only asked for to name the file.
    private func fixtureClock() -> () -> Double {
        var time = 1_699_999_998.25
        return {
            time += 1
            return time
        }
    }

    private func writeFixtureEvents(in directory: URL) throws -> TensorBoardWriter {
        let writer = try TensorBoardWriter(directory: directory, resumedStep: 7, clock: fixtureClock())
        try writer.write(step: 0, scalars: [("objective", 0)])
        try writer.write(step: 300, scalars: [("objective", -1.5), ("multiplier", 0.1), ("overflow", 1e300)])
        try writer.write(step: 1 << 40, scalars: [("λ", 1e-30)])
        return writer
    }

    /// The fixture is made by TensorBoard's own code: `Fixtures/make_events.py`.
    func testBytesAreThoseOfTheReferenceLibrary() throws {
        try withTemporaryDirectory { directory in
            let url = try writeFixtureEvents(in: directory).url
            let expected = try Data(contentsOf: fixture("events.tfevents"))
            XCTAssertEqual([UInt8](try Data(contentsOf: url)), [UInt8](expected))
        }
    }

    func testFileNames() throws {
        try withTemporaryDirectory { directory in
            let writers = try (0..<3).map { _ in
                try TensorBoardWriter(directory: directory, clock: { 1_700_000_000 })
            }
            let names = writers.map(\.url.lastPathComponent)
            XCTAssertEqual(names.sorted(), names, "a later file must come later by name")
            let process = ProcessInfo.processInfo.processIdentifier
            for (index, name) in names.enumerated() {
                XCTAssertTrue(name.hasPrefix("events.out.tfevents.\(1_700_000_000 + index)."), name)
                XCTAssertTrue(name.hasSuffix(".\(process).\(index)"), name)
            }
        }
    }

    /// Reads a file as the format's description says, sharing nothing with the writer.
    func testFramingAndChecksums() throws {
        try withTemporaryDirectory { directory in
            let writer = try writeFixtureEvents(in: directory)
            let picture = PNGImage(width: 2, height: 1, channels: .rgb, pixels: [1, 2, 3, 4, 5, 6])
            try writer.write(step: 9, name: "samples", image: picture)
            let payloads = try records([UInt8](Data(contentsOf: writer.url)))
            XCTAssertEqual(payloads.count, 6)
            let version = fields(payloads[0])
            XCTAssertEqual(version[3], Array("brain.Event:2".utf8))
            let value = fields(fields(fields(payloads[5])[5] ?? [])[1] ?? [])
            XCTAssertEqual(value[1], Array("samples".utf8))
            let image = fields(value[4] ?? [])
            XCTAssertEqual([image[1], image[2], image[3]], [[1], [2], [3]], "height, width, channels")
            XCTAssertEqual(try PNGImage(decoding: Data(image[4] ?? [])), picture)
        }
    }

    private struct Malformed: Error {}

    private func records(_ bytes: [UInt8]) throws -> [[UInt8]] {
        var rest = bytes[...]
        var payloads: [[UInt8]] = []
        while !rest.isEmpty {
            guard rest.count >= 16 else { throw Malformed() }
            let header = Array(rest.prefix(8))
            let length = header.reversed().reduce(0) { $0 << 8 | Int($1) }
            guard rest.count >= 16 + length else { throw Malformed() }
            let payload = Array(rest.dropFirst(12).prefix(length))
            XCTAssertEqual(Array(rest.dropFirst(8).prefix(4)), masked(bitwiseCRC32C(header)))
            XCTAssertEqual(Array(rest.dropFirst(12 + length).prefix(4)), masked(bitwiseCRC32C(payload)))
            payloads.append(payload)
            rest = rest.dropFirst(16 + length)
        }
        return payloads
    }

    private func bitwiseCRC32C(_ bytes: [UInt8]) -> UInt32 {
        var remainder: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            for bit in 0..<8 {
                let isOdd = (remainder ^ UInt32(byte >> bit)) & 1 == 1
                remainder = remainder >> 1 ^ (isOdd ? 0x82F6_3B78 : 0)
            }
        }
        return remainder ^ 0xFFFF_FFFF
    }

    private func masked(_ checksum: UInt32) -> [UInt8] {
        let rotated = checksum >> 15 | checksum << 17
        let sum = UInt64(rotated) + 0xA282_EAD8
        return (0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * $0)) }
    }

    /// The last value of each field: varints as one byte (small ones only), others as their bytes.
    private func fields(_ message: [UInt8]) -> [Int: [UInt8]] {
        var rest = message[...]
        var fields: [Int: [UInt8]] = [:]
        func varint() -> Int {
            var (value, shift) = (0, 0)
            while let byte = rest.popFirst() {
                value |= Int(byte & 0x7F) << shift
                shift += 7
                if byte < 0x80 { break }
            }
            return value
        }
        while !rest.isEmpty {
            let key = varint()
            switch key & 7 {
            case 0: fields[key >> 3] = [UInt8(truncatingIfNeeded: varint())]
            case 1, 5:
                let count = key & 7 == 1 ? 8 : 4
                fields[key >> 3] = Array(rest.prefix(count))
                rest = rest.dropFirst(count)
            default:
                let count = varint()
                fields[key >> 3] = Array(rest.prefix(count))
                rest = rest.dropFirst(count)
            }
        }
        return fields
    }

    private static let reader = """
        import sys, json
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        a = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0})
        a.Reload()
        tags = a.Tags()
        print(json.dumps({
            "scalars": {t: [[e.step, e.value] for e in a.Scalars(t)] for t in tags["scalars"]},
            "images": {t: [[e.step, e.width, e.height] for e in a.Images(t)] for t in tags["images"]},
        }))
        """

    private struct Reading: Decodable, Equatable {
        var scalars: [String: [[Double]]]
        var images: [String: [[Double]]]
    }

    private func tensorBoardReading(_ directory: URL) throws -> Reading {
        let output = try referencePython(Self.reader, arguments: [directory.path])
        return try JSONDecoder().decode(Reading.self, from: Data(output.utf8))
    }

    /// A run that died at step 9, resumed from its checkpoint at step 5: one curve without overlap.
    func testTensorBoardReadsAResumedRunAsOneCurve() throws {
        try withTemporaryDirectory { directory in
            let picture = PNGImage(width: 3, height: 2, channels: .gray, pixels: [0, 50, 100, 150, 200, 250])
            var writer = try TensorBoardWriter(directory: directory)
            for step in 0...9 {
                try writer.write(step: step, scalars: [("loss", 1), ("kl", Double(step) / 4)])
            }
            try writer.write(step: 5, name: "samples", image: picture)
            writer = try TensorBoardWriter(directory: directory, resumedStep: 5)
            for step in 6...7 {
                try writer.write(step: step, scalars: [("loss", 2), ("kl", Double(step) / 4)])
            }
            try writer.write(step: 7, name: "samples", image: picture)
            let expected = Reading(
                scalars: [
                    "loss": (0...7).map { [Double($0), $0 <= 5 ? 1 : 2] },
                    "kl": (0...7).map { [Double($0), Double($0) / 4] },
                ],
                images: ["samples": [[5, 3, 2], [7, 3, 2]]])
            let reading = try tensorBoardReading(directory)
            XCTAssertEqual(reading, expected)
        }
    }

    /// A run that starts afresh in a directory that holds an older run's file.
    func testTensorBoardForgetsTheRunBefore() throws {
        try withTemporaryDirectory { directory in
            for value in [1.0, 2.0] {
                let writer = try TensorBoardWriter(directory: directory)
                for step in 0...3 where value == 1 || step < 2 {
                    try writer.write(step: step, scalars: [("loss", value)])
                }
            }
            let reading = try tensorBoardReading(directory)
            XCTAssertEqual(reading.scalars, ["loss": [[0, 2], [1, 2]]])
        }
    }
}
