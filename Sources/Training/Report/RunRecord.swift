import Checkpoints
import Foundation
import Telemetry

/// What a run directory holds, as far as the run has gone.
struct RunRecord: Sendable {
    /// Measurements of what the result is compared with.
    struct Baseline: Decodable, Sendable {
        var divergences: [Double]?
        var rewards: [Double]?
    }

    let directory: String
    /// Resolved configuration; empty when none has been written yet.
    let configurationText: String
    let outline: ConfigurationOutline?
    let kind: RunConfiguration.Kind?
    /// nil before the first dual iteration.
    let history: MetricsHistory?
    /// nil while the run has not ended.
    let summary: Summary?
    /// By name, in alphabetical order.
    let baselines: [(name: String, values: Baseline)]
    /// The aligned text-to-image model beside its base; nil for other runs.
    let evaluation: ImageEvaluation?
    /// A product of text-to-image models beside what it is compared with; nil for other runs.
    let composition: ImageCompositionEvaluation?
    let samples: [SampleSet]
    /// Steps of the checkpoints, ascending.
    let checkpoints: [Int]
    /// Version of Saddle that wrote the newest checkpoint.
    let writerVersion: String?

    /// Reads a run directory.
    ///
    /// Throws: `ReportError`, `CheckpointError`, `TelemetryError`, `SafetensorsError`.
    init(directory: String) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory),
            isDirectory.boolValue
        else { throw ReportError.missing(directory: directory) }
        let files = RunFiles(directory: directory)
        self.directory = directory
        checkpoints = try CheckpointStore(runDirectory: directory).steps()
        let newest = checkpoints.last.map(CheckpointStore(runDirectory: directory).directory(ofStep:))
        let checkpoint = newest.map(RunFiles.init(directory:))
        let text = try files.text("config.yaml") ?? checkpoint?.text("config.yaml")
        configurationText = text ?? ""
        outline = text.flatMap(ConfigurationOutline.init(yaml:))
        history =
            files.has(MetricsWriter.jsonLinesName)
            ? try MetricsHistory(directory: URL(fileURLWithPath: directory)) : nil
        summary = try files.decoded("summary.json", by: Summary.init(json:))
        let baselines = try files.decoded("baselines.json") {
            try JSONDecoder().decode([String: Baseline].self, from: $0)
        }
        self.baselines = (baselines ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        writerVersion = try? checkpoint?.decoded(CheckpointManifest.fileName) {
            try JSONDecoder().decode(Manifest.self, from: $0).saddle
        }
        kind = (summary?.kind ?? outline?.kind).flatMap(RunConfiguration.Kind.init(rawValue:))
        evaluation =
            kind == .alignment
            ? try files.decoded(ImageEvaluation.fileName, by: ImageEvaluation.init(sortedJSON:)) : nil
        composition =
            kind == .product
            ? try files.decoded(
                ImageCompositionEvaluation.fileName, by: ImageCompositionEvaluation.init(sortedJSON:)) : nil
        samples =
            files.has(SampleSet.fileName)
            ? try SampleSet.read(
                files.path(SampleSet.fileName), models: outline?.models?.map(\.name) ?? summary?.names ?? [],
                resultName: kind == .alignment ? "aligned" : kind == nil ? "result" : "constrained") : []
        guard text != nil || history != nil || summary != nil || !checkpoints.isEmpty else {
            throw ReportError.notARun(directory: directory)
        }
    }

    /// Last part of the directory's path.
    var name: String { URL(fileURLWithPath: directory).standardizedFileURL.lastPathComponent }

    /// The one entry of a checkpoint's manifest that a report shows.
    private struct Manifest: Decodable {
        let saddle: String
    }
}

/// Access to the files of a directory, where each may be absent.
private struct RunFiles {
    let directory: String

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    /// - Returns: nil if there is no such file.
    func data(_ name: String) throws -> Data? {
        guard has(name) else { return nil }
        do {
            return try Data(contentsOf: URL(fileURLWithPath: path(name)))
        } catch {
            throw ReportError.unreadable(path: path(name), reason: error.localizedDescription)
        }
    }

    func text(_ name: String) throws -> String? { try data(name).map { String(decoding: $0, as: UTF8.self) } }

    func decoded<Value>(_ name: String, by decode: (Data) throws -> Value) throws -> Value? {
        guard let data = try data(name) else { return nil }
        do {
            return try decode(data)
        } catch let error as DecodingError {
            throw ReportError.damaged(path: path(name), reason: error.reason)
        }
    }
}

extension DecodingError {
    /// What is wrong and where, without the decoder's own decoration.
    fileprivate var reason: String {
        switch self {
        case .keyNotFound(let key, _): "has no key \"\(key.stringValue)\""
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            "\(context.codingPath.map(\.stringValue).joined(separator: ".")) is no \(type)"
        case .dataCorrupted: "is no valid JSON"
        @unknown default: "cannot be read"
        }
    }
}
