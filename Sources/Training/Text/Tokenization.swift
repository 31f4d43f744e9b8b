import Foundation
import Models
import WeightFiles

/// The token ids of texts as a JSON object: `{"ids": [[…], …]}`, one list per text, padded to the model's length.
///
/// - Parameter model: a pipeline's directory, or the `tokenizer` directory itself.
///
/// Throws: `ModelFilesError`.
public func tokenization(of texts: [String], model: String) throws -> String {
    let tokenizer = try CLIPTokenizer(directory: try tokenizerDirectory(at: model))
    let rows = texts.map { "[" + tokenizer($0).map(String.init).joined(separator: ", ") + "]" }
    return "{\"ids\": [" + rows.joined(separator: ",\n ") + "]}"
}

private func tokenizerDirectory(at model: String) throws -> String {
    let isTokenizer = ["tokenizer.json", "vocab.json"].contains { name in
        FileManager.default.fileExists(atPath: "\(model)/\(name)")
    }
    if isTokenizer { return model }
    let pipeline = try PipelineDirectory(path: model)
    return try pipeline.component("tokenizer", classes: ["CLIPTokenizer", "CLIPTokenizerFast"]).path
}
