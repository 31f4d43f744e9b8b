import Foundation
import Telemetry
import TensorCore
import WeightFiles

/// Draws samples from the model of a run and writes them.
///
/// `samples.safetensors` holds `samples` `[count, d]`; `samples.png` the first of them, where they can be square
/// images. Sample i depends on the seed and i alone, to the bit, however many are drawn.
///
/// - Parameters:
///   - model: a run directory, or a file that a run wrote as its model.
///   - count: at least one.
///   - directory: created where it is not there.
/// - Returns: the path of the safetensors file.
///
/// Throws: `SamplingError`, `TrainingError`, `SafetensorsError`, `OutputDirectoryError`, `TelemetryError`.
public func writeSamples(
    of model: String, count: Int, seed: UInt64, to directory: String
) throws -> String {
    precondition(count > 0, "writeSamples: got count \(count), expected at least one")
    let path = try modelFile(at: model)
    let samples = try draw(count, from: try VectorModel(contentsOf: path), seed: seed)
    let provenance = ["model": path, "seed": "\(seed)", "saddle": saddleVersion]
    let output = URL(fileURLWithPath: directory)
    try createDirectory(output)
    let file = "\(directory)/\(SampleSet.fileName)"
    try SafetensorsFile.write(["samples": samples], metadata: provenance, to: file)
    let set = SampleSet(
        role: .result, name: "samples", count: count, dimension: samples.shape[1], values: samples.floats)
    if let side = ImageTiles.side(ofDimension: set.dimension) {
        var image = ImageTiles([set], side: side).grid(set, rows: ImageTiles.rowLimit)
        image.text = provenance
        try image.write(to: output.appendingPathComponent("samples.png"))
    }
    return file
}

/// The model's file: the path itself, or `model.safetensors` in the run directory.
private func modelFile(at path: String) throws -> String {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
        throw SamplingError.missing(path: path)
    }
    guard isDirectory.boolValue else { return path }
    let file = "\(path)/model.safetensors"
    guard !FileManager.default.fileExists(atPath: file) else { return file }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    if names.contains(CompositionRecord.fileName) { throw SamplingError.composition(directory: path) }
    let others = names.filter { $0.hasPrefix("model-") && $0.hasSuffix(".safetensors") }.sorted()
    throw SamplingError.noModel(directory: path, others: others.map { "\(path)/\($0)" })
}

/// `[count, d]`.
private func draw(_ count: Int, from model: VectorModel, seed: UInt64) throws -> Tensor {
    // Batches are never cut: OpenBLAS rounds differently for a few rows.
    let batch = 64
    let batches = try Parallel.map((count + batch - 1) / batch) { index in
        try model.samples(index * batch..<(index + 1) * batch, seed: seed).floats
    }
    let dimension = batches[0].count / batch
    return Tensor(Array(batches.joined().prefix(count * dimension)), shape: [count, dimension])
}
