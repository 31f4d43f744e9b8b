import Foundation
import Telemetry

/// Writes the report of each run, and for several runs a page that compares them.
///
/// - Parameters:
///   - directories: run directories, at least one.
///   - output: the page; nil for `report.html` in the run directory, for several runs `comparison.html` in
///     the first one's. Pictures stand beside it in `images`.
/// - Returns: the path of the page.
///
/// Throws: `ReportError`, `OutputDirectoryError`, `TelemetryError`, `SafetensorsError`, `CheckpointError`.
public func writeReports(of directories: [String], output: String? = nil) throws -> String {
    precondition(!directories.isEmpty, "writeReports: got no run directory, expected at least one")
    let reports = try directories.map { RunReport(try RunRecord(directory: $0)) }
    guard reports.count > 1 else {
        let path = output ?? reports[0].defaultPath
        try reports[0].write(to: path)
        return path
    }
    for report in reports { try report.write(to: report.defaultPath) }
    let path = output ?? "\(directories[0])/comparison.html"
    try createDirectory(URL(fileURLWithPath: path).deletingLastPathComponent())
    try ComparisonReport(reports).page().write(to: URL(fileURLWithPath: path))
    return path
}

extension RunReport {
    fileprivate var defaultPath: String { "\(record.directory)/report.html" }

    fileprivate func write(to path: String) throws {
        let page = URL(fileURLWithPath: path)
        let images = page.deletingLastPathComponent().appendingPathComponent("images")
        try createDirectory(page.deletingLastPathComponent())
        let files = try pictures?.files() ?? []
        if !files.isEmpty { try createDirectory(images) }
        for file in files {
            let url = images.appendingPathComponent(file.name)
            switch file.picture {
            case .png(let image): try image.write(to: url.appendingPathExtension("png"))
            case .svg(let drawing): try drawing.write(to: url.appendingPathExtension("svg"))
            }
        }
        try self.page().write(to: page)
    }
}

extension SVG {
    fileprivate func write(to url: URL) throws {
        do {
            try Data(standalone.utf8).write(to: url, options: .atomic)
        } catch {
            throw TelemetryError.cannotWrite(path: url.path, reason: error.localizedDescription)
        }
    }
}
