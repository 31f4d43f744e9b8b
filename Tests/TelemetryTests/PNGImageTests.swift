import Foundation
import Telemetry
import XCTest

final class PNGImageTests: XCTestCase {
    private func noise(_ channels: PNGImage.Channels, width: Int = 13, height: Int = 7) -> PNGImage {
        var random = FixedRandom(state: 5)
        let pixels = (0..<width * height * channels.rawValue).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
        return PNGImage(width: width, height: height, channels: channels, pixels: pixels)
    }

    func testMemoryAndFileRoundTrip() throws {
        try withTemporaryDirectory { directory in
            for channels in [PNGImage.Channels.gray, .rgb] {
                var image = noise(channels)
                image.text = [
                    "Software": "Saddle", "Beschreibung": "Größe ±½", "multiplier": "λ = 0.5 → 0.7",
                ]
                XCTAssertEqual(try PNGImage(decoding: image.encoded()), image)
                let url = directory.appendingPathComponent("image.png")
                try image.write(to: url)
                XCTAssertEqual(try PNGImage(contentsOf: url), image)
            }
        }
    }

    /// Noise does not compress: the buffer must hold more than the pixels.
    func testIncompressiblePicture() throws {
        let image = noise(.rgb, width: 301, height: 211)
        XCTAssertEqual(try PNGImage(decoding: image.encoded()), image)
    }

    func testPillowReadsTheSamePixelsAndText() throws {
        let script = """
            import sys, json
            from PIL import Image
            image = Image.open(sys.argv[1])
            image.load()
            pixels = list(image.tobytes())
            print(json.dumps({"mode": image.mode, "size": image.size, "pixels": pixels, "text": image.text}))
            """
        struct Reading: Decodable, Equatable {
            var mode: String
            var size: [Int]
            var pixels: [UInt8]
            var text: [String: String]
        }
        try withTemporaryDirectory { directory in
            for (channels, mode) in [(PNGImage.Channels.gray, "L"), (.rgb, "RGB"), (.rgba, "RGBA")] {
                var image = noise(channels)
                image.text = ["settings": "seed 7, η = 1, größer", "latin": "größer", "plain": "a & b"]
                let url = directory.appendingPathComponent("image.png")
                try image.write(to: url)
                let output = try referencePython(script, arguments: [url.path])
                let reading = try JSONDecoder().decode(Reading.self, from: Data(output.utf8))
                let expected = Reading(mode: mode, size: [13, 7], pixels: image.pixels, text: image.text)
                XCTAssertEqual(reading, expected)
            }
        }
    }

    /// Formats of other programs: palette, 16 bits, transparency.
    func testReadsWhatPillowWrites() throws {
        let script = """
            import sys
            from PIL import Image
            if sys.argv[2] == "palette":
                image = Image.new("P", (2, 1))
                image.putpalette([10, 20, 30, 40, 50, 60])
                image.putpixel((1, 0), 1)
            elif sys.argv[2] == "deep":
                image = Image.new("I;16", (2, 1)); image.putpixel((0, 0), 65535)
            else:
                image = Image.new("RGBA", (2, 1), (9, 8, 7, 255)); image.putpixel((1, 0), (0, 0, 0, 0))
            image.save(sys.argv[1])
            """
        let expected: [(String, PNGImage.Channels, [UInt8])] = [
            ("palette", .rgb, [10, 20, 30, 40, 50, 60]), ("deep", .gray, [255, 0]),
            ("transparent", .rgb, [9, 8, 7, 255, 255, 255]),
        ]
        try withTemporaryDirectory { directory in
            for (kind, channels, pixels) in expected {
                let url = directory.appendingPathComponent("\(kind).png")
                _ = try referencePython(script, arguments: [url.path, kind])
                let image = try PNGImage(contentsOf: url)
                XCTAssertEqual(image, PNGImage(width: 2, height: 1, channels: channels, pixels: pixels), kind)
            }
        }
    }

    /// Numbers of 16 bits that say nothing of their meaning are sRGB, as those of 8 bits: v becomes v / 257.
    func testSixteenBitsKeepTheirBrightness() throws {
        var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        func append(_ type: String, _ data: [UInt8]) {
            let body = Array(type.utf8) + data
            let numbers = [UInt32(data.count), CRC32.ieee.checksum(body)].map { number in
                (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
            }
            file += numbers[0] + body + numbers[1]
        }
        // 3 × 1 grey pixels of 16 bits: 0x8080, 0x0101 and 0xFEFE, unfiltered, in one stored block of zlib.
        append("IHDR", [0, 0, 0, 3, 0, 0, 0, 1, 16, 0, 0, 0, 0])
        append(
            "IDAT", [0x78, 1, 1, 7, 0, 0xF8, 0xFF, 0, 0x80, 0x80, 1, 1, 0xFE, 0xFE, 0x08, 0x88, 0x02, 0xFF])
        append("IEND", [])
        let image = try PNGImage(decoding: Data(file))
        XCTAssertEqual(image, PNGImage(width: 3, height: 1, channels: .gray, pixels: [128, 1, 254]))
    }

    func testDamagedFilesAreRefused() throws {
        var image = noise(.rgb)
        image.text = ["seed": "7"]
        let whole = try image.encoded()
        for length in stride(from: 0, to: whole.count - 12, by: 5) {
            XCTAssertThrowsError(try PNGImage(decoding: whole.prefix(length)), "\(length) bytes")
        }
        for position in whole.indices {
            var damaged = whole
            damaged[position] ^= 0x10
            // libpng forgives damage to chunks that do not matter for the pixels.
            if let read = try? PNGImage(decoding: damaged) {
                XCTAssertEqual(read.pixels, image.pixels, "byte \(position) flipped")
            }
        }
        XCTAssertThrowsError(try PNGImage(contentsOf: URL(fileURLWithPath: "/nonexistent.png"))) { error in
            guard case .cannotRead(path: "/nonexistent.png", _) = error as? TelemetryError else {
                return XCTFail("\(error)")
            }
        }
    }

    /// A header that claims a million pixels a side costs no memory.
    func testHugeClaimIsRefused() throws {
        var bytes = [UInt8](try noise(.gray).encoded())
        bytes.replaceSubrange(16..<24, with: [0, 0x0F, 0x42, 0x40, 0, 0x0F, 0x42, 0x40])
        let checksum = CRC32.ieee.checksum(bytes[12..<29])
        bytes.replaceSubrange(
            29..<33, with: (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (24 - 8 * $0)) })
        XCTAssertThrowsError(try PNGImage(decoding: Data(bytes))) { error in
            XCTAssertTrue("\(error)".contains("1000000 × 1000000 pixels are more than"), "\(error)")
        }
    }

    func testRealNumbersAreClampedAndRounded() {
        let values: [Float] = [-1, 0, 0.5, 0.999, 1, 2, .nan, .infinity, -.infinity]
        let image = PNGImage(width: 9, height: 1, channels: .gray, values: values)
        XCTAssertEqual(image.pixels, [0, 0, 128, 255, 255, 255, 0, 255, 0])
        let signed = PNGImage(width: 3, height: 1, channels: .gray, values: [-1, 0, 1], range: -1...1)
        XCTAssertEqual(signed.pixels, [0, 128, 255])
    }

    func testNearestScalingRepeatsPixels() {
        let image = PNGImage(width: 2, height: 1, channels: .rgb, pixels: [1, 2, 3, 4, 5, 6])
        let row: [UInt8] = [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]
        XCTAssertEqual(
            image.enlarged(by: 2), PNGImage(width: 4, height: 2, channels: .rgb, pixels: row + row))
    }

    /// Pixel centres at 0.5 and 1.5: the new ones at .25, .75, 1.25, 1.75 mix 0, ¼, ¾, 1 of the second.
    func testBilinearScaling() {
        let image = PNGImage(width: 2, height: 2, channels: .gray, pixels: [0, 100, 200, 40])
        let scaled = image.scaled(width: 4, height: 4, .bilinear)
        let weights = [0, 0.25, 0.75, 1]
        let expected = weights.flatMap { y in
            weights.map { x -> UInt8 in
                let upper: Double = x * 100
                let lower: Double = (1 - x) * 200 + x * 40
                return UInt8(((1 - y) * upper + y * lower).rounded())
            }
        }
        XCTAssertEqual(scaled.pixels, expected)
    }
}
