import Telemetry

/// What a run's samples look like, on the page and as files.
protocol RunPictures: Sendable {
    func blocks() throws -> [ReportBlock]

    /// The pictures that stand alone, by file name without extension; `main` is the one to show first.
    func files() throws -> [(name: String, picture: PictureFile)]
}

/// A picture as a file.
enum PictureFile: Sendable {
    case png(PNGImage)
    case svg(SVG)
}

/// The fitting kind of picture for the dimension of the samples: tiles for square images, curves in one
/// dimension, the plane for all others. Runs on images have made theirs.
func runPictures(of record: RunRecord) -> (any RunPictures)? {
    if let pictures = AlignmentPictures(directory: record.directory) { return pictures }
    if let pictures = CompositionPictures(directory: record.directory) { return pictures }
    guard let dimension = record.samples.first?.dimension else { return nil }
    if let side = ImageTiles.side(ofDimension: dimension) { return ImageTiles(record.samples, side: side) }
    return dimension == 1 ? DensityCurves(record.samples) : PlanePictures(record)
}
