import Foundation
import Telemetry

/// What compositions of images show: a row for each model, from the same latents.
struct CompositionPictures: RunPictures {
    static let gridName = "pictures.png"

    private let grid: PNGImage

    /// - Returns: nil if a run has left no pictures.
    init?(directory: String) {
        guard FileManager.default.fileExists(atPath: "\(directory)/\(CompositionRecord.fileName)"),
            let grid = try? PNGImage(
                contentsOf: URL(fileURLWithPath: directory).appendingPathComponent(Self.gridName))
        else { return nil }
        self.grid = grid
    }

    func blocks() throws -> [ReportBlock] {
        [
            .picture(
                grid,
                caption:
                    "Rows: each member alone and what it is compared with, equal weights, the constrained "
                    + "product. Pictures below each other start from the same latents; they are not chosen.")
        ]
    }

    func files() throws -> [(name: String, picture: PictureFile)] { [(name: "main", picture: .png(grid))] }

    /// The files that a run leaves, by name.
    ///
    /// - Parameter captions: of the columns, in turn.
    static func files(
        _ rows: [(name: String, pictures: [PNGImage])], captions: [String]
    ) throws -> [(name: String, data: Data)] {
        guard let first = rows.first?.pictures.first else { return [] }
        var files: [(name: String, data: Data)] = []
        for (name, pictures) in rows {
            let plain = String(name.map { $0 == " " || $0 == "/" ? "-" : $0 })
            for (index, picture) in pictures.enumerated() {
                var picture = picture
                picture.text = ["prompt": captions[index % captions.count], "model": name]
                files.append(("images/\(plain)-\(index).png", try picture.encoded()))
            }
        }
        var grid = ImageGrid(rows: rows.map(\.pictures))
        grid.rowCaptions = rows.map(\.name)
        grid.columnCaptions = (rows.first?.pictures ?? []).indices.map { captions[$0 % captions.count] }
        grid.tileScale = max(1, 128 / first.width)
        return files + [(gridName, try grid.rendered().encoded())]
    }
}
