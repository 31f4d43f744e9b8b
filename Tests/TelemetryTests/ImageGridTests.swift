import Telemetry
import XCTest

final class ImageGridTests: XCTestCase {
    private func tile(_ value: UInt8) -> PNGImage {
        PNGImage(width: 2, height: 1, channels: .gray, pixels: [value, value])
    }

    /// The red channel as rows of characters: "." white, "#" ink, else the tile's digit.
    private func picture(_ image: PNGImage) -> String {
        stride(from: 0, to: image.pixels.count, by: 3 * image.width).map { start in
            (0..<image.width).map { x -> String in
                switch image.pixels[start + 3 * x] {
                case 255: "."
                case 40: "#"
                case let value: String(value)
                }
            }.joined()
        }.joined(separator: "\n")
    }

    func testTilesWithGapsAndAMissingOne() {
        var grid = ImageGrid([tile(1), tile(2), tile(3)], columns: 2)
        grid.gap = 1
        grid.tileScale = 2
        let expected = """
            ...........
            .1111.2222.
            .1111.2222.
            ...........
            .3333......
            .3333......
            ...........
            """
        XCTAssertEqual(picture(grid.rendered()), expected)
    }

    func testCaptions() {
        var grid = ImageGrid(rows: [[tile(1)]])
        grid.gap = 1
        grid.tileScale = 8
        grid.textScale = 1
        grid.rowCaptions = ["8g"]
        grid.columnCaptions = ["Ab i", "beyond the columns"]
        let expected = """
            ................................
            ..................###..#........
            .................#...#.#........
            .................#...#.#.##.....
            .................#...#.##..#....
            .................#####.#...#....
            .................#...#.#...#....
            .................#...#.####.....
            ................................
            ................................
            ......................#.........
            ................................
            .....................##.........
            ......................#.........
            ......................#.........
            ......................#.........
            .....................###........
            ................................
            ................................
            ................................
            ..###..........1111111111111111.
            .#...#.........1111111111111111.
            .#...#..####...1111111111111111.
            ..###..#...#...1111111111111111.
            .#...#.#...#...1111111111111111.
            .#...#..####...1111111111111111.
            ..###......#...1111111111111111.
            ........###....1111111111111111.
            ................................
            """
        XCTAssertEqual(picture(grid.rendered()), expected)
    }

    /// Every printable character has a shape of its own, and lower case descends below the line.
    func testFontCoversASCII() {
        var shapes: [[UInt8]: Character] = [:]
        for code in UInt8(ascii: " ")...UInt8(ascii: "~") {
            let character = Character(Unicode.Scalar(code))
            var canvas = PNGImage(width: 6, height: 9, fill: .white)
            canvas.draw(String(character), x: 0, y: 0, scale: 1, color: .black)
            XCTAssertNil(shapes.updateValue(character, forKey: canvas.pixels), "\(character)")
            let right = (0..<9).map { canvas.pixels[($0 * 6 + 5) * 3] }
            XCTAssertEqual(right, Array(repeating: 255, count: 9), "\(character) leaves a column free")
            let bottom = (0..<6).map { canvas.pixels[(7 * 6 + $0) * 3] }
            XCTAssertEqual(bottom.contains(0), ",;_gjpqy".contains(character), "descender of \(character)")
        }
        XCTAssertEqual(shapes.count, 95)
    }

    func testEmptyGridAndAlpha() {
        XCTAssertEqual(ImageGrid(rows: []).rendered().pixels, [255, 255, 255])
        let half = PNGImage(width: 2, height: 1, channels: .rgba, pixels: [0, 100, 200, 128, 9, 9, 9, 0])
        var grid = ImageGrid(rows: [[half]])
        grid.gap = 0
        // 255 + (sample − 255) · 128/255, rounded.
        XCTAssertEqual(grid.rendered().pixels, [127, 177, 227, 255, 255, 255])
    }

    func testDrawingOutsideIsCut() {
        var canvas = PNGImage(width: 3, height: 3, fill: .white)
        canvas.draw("WWW", x: -4, y: -4, scale: 2, color: .black)
        XCTAssertEqual(canvas.pixels.count, 27)
        XCTAssertTrue(canvas.pixels.contains(0))
    }
}
