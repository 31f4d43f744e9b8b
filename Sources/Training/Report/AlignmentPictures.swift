import Foundation
import Telemetry

/// What image alignments show: the base above, the aligned model of each run below, from the same latents.
struct AlignmentPictures: RunPictures {
    /// The grid that a run leaves.
    static let gridName = "pictures.png"

    private let trained: PNGImage
    private let heldOut: PNGImage?
    private let single: Bool

    /// - Parameter runs: directories, with what their rows are called.
    /// - Returns: nil if a run has left none, or if their bases or latents differ.
    init?(_ runs: [(name: String, directory: String)]) {
        guard let trained = Self.grid(runs, prefix: "") else { return nil }
        self.trained = trained
        heldOut = Self.grid(runs, prefix: Self.heldOutPrefix)
        single = runs.count == 1
    }

    init?(directory: String) { self.init([("aligned", directory)]) }

    func blocks() throws -> [ReportBlock] {
        let rows = single ? "the base model and the aligned one" : "the base model and that of each run"
        let caption =
            "Rows: \(rows). Pictures below each other start from the same latents; they are not chosen."
        let extra = heldOut.map {
            ReportBlock.picture($0, caption: "The same on prompts that were held out.")
        }
        return [.picture(trained, caption: caption)] + (extra.map { [$0] } ?? [])
    }

    func files() throws -> [(name: String, picture: PictureFile)] {
        [(name: "main", picture: .png(trained))] + (heldOut.map { [("held-out", .png($0))] } ?? [])
    }

    // MARK: Files

    static let heldOutPrefix = "held-out-"

    /// `images/held-out-base-3.png`, from the run's directory.
    static func fileName(isHeldOut: Bool, isAligned: Bool, _ index: Int) -> String {
        "images/\(isHeldOut ? heldOutPrefix : "")\(isAligned ? "aligned" : "base")-\(index).png"
    }

    private static func grid(_ runs: [(name: String, directory: String)], prefix: String) -> PNGImage? {
        let bases = runs.map { row($0.directory, isHeldOut: !prefix.isEmpty, isAligned: false) }
        guard let base = bases.first, let first = base.first, bases.allSatisfy({ $0 == base }) else {
            return nil
        }
        var grid = ImageGrid(
            rows: [base] + runs.map { row($0.directory, isHeldOut: !prefix.isEmpty, isAligned: true) })
        guard grid.rows.allSatisfy({ $0.count == base.count }) else { return nil }
        grid.rowCaptions = ["base"] + runs.map(\.name)
        grid.columnCaptions = base.map { $0.text["prompt"] ?? "" }
        grid.tileScale = max(1, 128 / first.width)
        return grid.rendered()
    }

    /// As many pictures as there are, of one size.
    private static func row(_ directory: String, isHeldOut: Bool, isAligned: Bool) -> [PNGImage] {
        let pictures = (0...).lazy.map { index in
            try? PNGImage(
                contentsOf: URL(fileURLWithPath: directory).appendingPathComponent(
                    fileName(isHeldOut: isHeldOut, isAligned: isAligned, index)))
        }.prefix { $0 != nil }.compactMap { $0 }
        return Array(pictures)
    }
}
