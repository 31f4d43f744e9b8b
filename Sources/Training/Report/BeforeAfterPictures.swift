import Foundation
import Telemetry

/// The grid that an image alignment leaves: the base above, the aligned model below, from the same latents.
struct BeforeAfterPictures: RunPictures {
    static let fileName = "pictures.png"
    private let grid: PNGImage

    /// - Returns: nil if the run has left none.
    init?(directory: String) {
        let url = URL(fileURLWithPath: directory).appendingPathComponent(Self.fileName)
        guard let grid = try? PNGImage(contentsOf: url) else { return nil }
        self.grid = grid
    }

    func blocks() throws -> [ReportBlock] {
        [
            .picture(
                grid,
                caption: "Rows: the base model and the aligned one on training prompts, then on held-out "
                    + "prompts if there are any. Pictures below each other start from the same latents; they "
                    + "are not chosen.")
        ]
    }

    func files() throws -> [(name: String, picture: PictureFile)] { [(name: "main", picture: .png(grid))] }
}
