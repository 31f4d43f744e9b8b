/// Pictures of one size side by side, with captions drawn into the picture.
///
/// Missing tiles stay background. Captions of rows stand on the left, of columns above, broken at spaces to
/// the width of a tile.
public struct ImageGrid: Sendable {
    /// Rows of pictures, all of one size; rows may differ in length.
    public var rows: [[PNGImage]]
    public var rowCaptions: [String] = []
    public var columnCaptions: [String] = []
    /// Each tile is enlarged so many times (nearest pixel).
    public var tileScale = 1
    /// Each dot of the captions' 5 × 7 font is so many pixels wide.
    public var textScale = 2
    /// Pixels between tiles and around the whole.
    public var gap = 4
    public var background = RGB.white
    public var ink = RGB(red: 40, green: 44, blue: 52)

    public init(rows: [[PNGImage]]) {
        self.rows = rows
    }

    /// Pictures in reading order.
    public init(_ images: [PNGImage], columns: Int) {
        precondition(columns > 0, "ImageGrid: got \(columns) columns, expected at least one")
        rows = stride(from: 0, to: images.count, by: columns).map {
            Array(images[$0..<min($0 + columns, images.count)])
        }
    }

    /// The whole as one RGB picture; one pixel of background when there is no tile.
    public func rendered() -> PNGImage {
        guard let first = rows.joined().first else { return PNGImage(width: 1, height: 1, fill: background) }
        precondition(
            rows.joined().allSatisfy { $0.width == first.width && $0.height == first.height },
            "ImageGrid: got tiles of different sizes, expected all to be \(first.width) × \(first.height)")
        let layout = Layout(self, tileWidth: first.width * tileScale, tileHeight: first.height * tileScale)
        var canvas = PNGImage(width: layout.width, height: layout.height, fill: background)
        for (row, tiles) in rows.enumerated() {
            for (column, tile) in tiles.enumerated() {
                canvas.paste(
                    tile.enlarged(by: tileScale), x: layout.x(column), y: layout.y(row), over: background)
            }
        }
        for (column, lines) in layout.columnLines.enumerated() {
            for (index, line) in lines.enumerated() {
                let x = layout.x(column) + (layout.tileWidth - textWidth(line)) / 2
                let y = layout.y(0) - gap - (lines.count - index) * lineHeight
                canvas.draw(line, x: x, y: y, scale: textScale, color: ink)
            }
        }
        for (row, caption) in rowCaptions.prefix(rows.count).enumerated() {
            let y = layout.y(row) + (layout.tileHeight - BitmapFont.glyphHeight * textScale) / 2
            canvas.draw(caption, x: gap, y: y, scale: textScale, color: ink)
        }
        return canvas
    }

    fileprivate var lineHeight: Int { (BitmapFont.glyphHeight + 1) * textScale }

    fileprivate func textWidth(_ line: String) -> Int {
        max(line.count * BitmapFont.advance - 1, 0) * textScale
    }

    /// The caption broken at spaces, and within words that are wider than a tile.
    fileprivate func lines(_ caption: String, width: Int) -> [String] {
        // Half a character stays free, so that neighbouring captions do not run together.
        let limit = max((width / textScale - 2) / BitmapFont.advance, 1)
        var lines: [String] = []
        for word in caption.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= limit {
                lines[lines.count - 1] = last + " " + word
                continue
            }
            var rest = Substring(word)
            while !rest.isEmpty {
                lines.append(String(rest.prefix(limit)))
                rest = rest.dropFirst(limit)
            }
        }
        return lines
    }
}

/// Where everything stands, in pixels from the top left corner.
private struct Layout {
    let tileWidth: Int
    let tileHeight: Int
    let width: Int
    let height: Int
    let columnLines: [[String]]
    private let gap: Int
    private let left: Int
    private let top: Int

    init(_ grid: ImageGrid, tileWidth: Int, tileHeight: Int) {
        let columns = grid.rows.map(\.count).max() ?? 0
        let captions = grid.rowCaptions.prefix(grid.rows.count)
        columnLines = grid.columnCaptions.prefix(columns).map { grid.lines($0, width: tileWidth) }
        gap = grid.gap
        left = gap + (captions.map(grid.textWidth).max().map { $0 + 3 * grid.gap } ?? 0)
        top = gap + (columnLines.map(\.count).max().map { $0 * grid.lineHeight + grid.gap } ?? 0)
        width = left + columns * (tileWidth + gap)
        height = top + grid.rows.count * (tileHeight + gap)
        self.tileWidth = tileWidth
        self.tileHeight = tileHeight
    }

    func x(_ column: Int) -> Int { left + column * (tileWidth + gap) }
    func y(_ row: Int) -> Int { top + row * (tileHeight + gap) }
}

extension PNGImage {
    /// Puts `image` on this RGB picture; its transparent pixels show `background`.
    fileprivate mutating func paste(_ image: PNGImage, x: Int, y: Int, over background: RGB) {
        let behind = [background.red, background.green, background.blue].map(Double.init)
        let count = image.channels.rawValue
        for row in 0..<image.height {
            for column in 0..<image.width {
                let source = (row * image.width + column) * count
                let target = ((y + row) * width + x + column) * 3
                for channel in 0..<3 {
                    let sample = Double(image.pixels[source + (count == 1 ? 0 : channel)])
                    let alpha = count == 4 ? Double(image.pixels[source + 3]) / 255 : 1
                    pixels[target + channel] = UInt8(
                        (behind[channel] + (sample - behind[channel]) * alpha).rounded())
                }
            }
        }
    }

    /// Draws one line of text on this RGB picture, cut at its borders.
    package mutating func draw(_ text: String, x: Int, y: Int, scale: Int, color: RGB) {
        for (index, character) in text.enumerated() {
            for row in 0..<BitmapFont.glyphHeight * scale {
                for column in 0..<BitmapFont.glyphWidth * scale
                where BitmapFont.isSet(character, x: column / scale, y: row / scale) {
                    setPixel(x: x + index * BitmapFont.advance * scale + column, y: y + row, color)
                }
            }
        }
    }

    private mutating func setPixel(x: Int, y: Int, _ color: RGB) {
        guard (0..<width).contains(x), (0..<height).contains(y) else { return }
        let target = (y * width + x) * 3
        pixels[target] = color.red
        pixels[target + 1] = color.green
        pixels[target + 2] = color.blue
    }
}
