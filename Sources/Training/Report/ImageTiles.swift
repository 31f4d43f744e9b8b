import Foundation
import Telemetry

/// Samples that are square grey images, in grids.
struct ImageTiles: RunPictures {
    private let sets: [SampleSet]
    private let side: Int
    /// What is drawn black and white, the same for all sets.
    private let range: ClosedRange<Float>

    private static let columns = 16
    /// Most rows of a grid.
    static let rowLimit = 8
    /// Tiles are enlarged to about this many pixels.
    private static let tilePixels = 44

    init(_ sets: [SampleSet], side: Int) {
        self.sets = sets
        self.side = side
        range = Self.range(of: sets)
    }

    /// The side of the square images that vectors of this dimension can be, at least 4; nil if none.
    static func side(ofDimension dimension: Int) -> Int? {
        let side = Int(Double(dimension).squareRoot().rounded())
        return side >= 4 && side * side == dimension ? side : nil
    }

    func blocks() throws -> [ReportBlock] {
        let shown = min(3 * Self.columns, sets.map(\.count).min() ?? 0)
        return [
            .paragraph(
                "The first \(shown) samples of each, not chosen; "
                    + "black is \(level(range.lowerBound)), white \(level(range.upperBound))."),
            .pictureRows(sets.map { ReportPicture(name: $0.name, image: grid($0, rows: 3)) }),
        ]
    }

    func files() throws -> [(name: String, picture: PictureFile)] {
        let grids = sets.enumerated().map { index, set in
            (name: set.fileName(index: index), picture: PictureFile.png(grid(set, rows: Self.rowLimit)))
        }
        return [(name: "main", picture: .png(main))] + grids
    }

    /// A row of each set, with its name.
    private var main: PNGImage {
        var grid = ImageGrid(rows: sets.map { Array(tiles($0).prefix(Self.columns)) })
        grid.rowCaptions = sets.map(\.name)
        return grid.rendered()
    }

    /// The first samples in rows of 16.
    func grid(_ set: SampleSet, rows: Int) -> PNGImage {
        ImageGrid(Array(tiles(set).prefix(rows * Self.columns)), columns: Self.columns).rendered()
    }

    private func level(_ value: Float) -> String {
        NumberText.significant(Double(value), digits: 2).replacingOccurrences(of: "-", with: "−")
    }

    private var scale: Int { max(1, (Self.tilePixels + side / 2) / side) }

    private func tiles(_ set: SampleSet) -> [PNGImage] {
        (0..<set.count).prefix(Self.rowLimit * Self.columns).map { index in
            let values = set.values[index * set.dimension..<(index + 1) * set.dimension]
            // Smooth enlargement: the eye reads strokes where it would see blocks.
            return PNGImage(width: side, height: side, channels: .gray, values: values, range: range)
                .scaled(width: side * scale, height: side * scale, .bilinear)
        }
    }

    /// −1…1, in which images are trained; where more than a tenth of the values lie far outside, the range of
    /// all but the outermost hundredths.
    private static func range(of sets: [SampleSet]) -> ClosedRange<Float> {
        let values = sets.flatMap(\.values).filter(\.isFinite).sorted()
        guard values.reduce(0, { $0 + (abs($1) > 1.5 ? 1 : 0) }) > values.count / 10 else { return -1...1 }
        let cut = values.count / 100
        let (lower, upper) = (values[cut], values[values.count - 1 - cut])
        return lower < upper ? lower...upper : lower - 1...upper + 1
    }
}
