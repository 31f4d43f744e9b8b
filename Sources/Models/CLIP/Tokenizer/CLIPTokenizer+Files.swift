import Foundation
import WeightFiles

extension CLIPTokenizer {
    /// Reads a pipeline's `tokenizer` directory: `tokenizer.json`, else `vocab.json` and `merges.txt`.
    ///
    /// - Parameters:
    ///   - defaultLength: taken where `tokenizer_config.json` sets no limit; CLIP's context is 77.
    /// - Throws: `ModelFilesError`.
    public init(directory: String, defaultLength: Int = 77) throws {
        let files = try VocabularyFiles(directory: directory)
        let configuration = try TokenizerConfiguration(directory: directory, serialized: files.addedTokens)
        let encoder = try BytePairEncoder(
            vocabulary: files.vocabulary, merges: files.merges,
            unknown: configuration.content(ofNamed: "unk_token"), path: files.path)
        let added = AddedVocabulary(
            configuration.addedTokens, encoder: encoder, splitsSpecial: configuration.splitsSpecial)
        try self.init(
            encoder: encoder, added: added, configuration: configuration, defaultLength: defaultLength)
    }
}

/// The vocabulary in either of its forms.
private struct VocabularyFiles {
    /// The file that has the merges.
    let path: String
    let vocabulary: [String: Int32]
    let merges: [(left: String, right: String)]
    var addedTokens: [Int: AddedToken] = [:]

    init(directory: String) throws {
        let files = FileManager.default
        let (whole, vocabulary, merges) = (
            "\(directory)/tokenizer.json", "\(directory)/vocab.json", "\(directory)/merges.txt"
        )
        if files.fileExists(atPath: whole) {
            try self.init(serialized: whole)
        } else if files.fileExists(atPath: vocabulary), files.fileExists(atPath: merges) {
            try self.init(vocabulary: vocabulary, merges: merges)
        } else {
            throw ModelFilesError.missing(
                path: directory, what: "the vocabulary",
                advice: "Expected tokenizer.json, or vocab.json and merges.txt.")
        }
    }

    private init(vocabulary: String, merges path: String) throws {
        self.path = path
        self.vocabulary = try JSONFile.decode([String: Int32].self, from: vocabulary)
        let text = String(decoding: try JSONFile.contents(of: path), as: UTF8.self)
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#version") }
        merges = try lines.map { try Self.merge($0, path: path) }
        try checkIDs(in: vocabulary)
    }

    private init(serialized path: String) throws {
        let file = try JSONFile.decode(SerializedTokenizer.self, from: path)
        guard file.model.type ?? "BPE" == "BPE" else {
            throw ModelFilesError.unsupported(
                path: path, what: "a tokenizer of type \(file.model.type ?? "")", advice: "CLIP's is BPE.")
        }
        self.path = path
        vocabulary = file.model.vocab
        merges = try file.model.merges.map { merge in
            switch merge {
            case .text(let text): try Self.merge(text[...], path: path)
            case .pair(let left, let right): (left, right)
            }
        }
        addedTokens = Dictionary(
            file.addedTokens.map { ($0.id, $0.token) }, uniquingKeysWith: { $1 })
        try checkIDs(in: path)
    }

    /// Ids are rows of the embedding.
    private func checkIDs(in file: String) throws {
        if let token = vocabulary.filter({ $0.value < 0 }).keys.min() {
            throw ModelFilesError.invalid(path: file, reason: "the id of \"\(token)\" is negative")
        }
        var owners: [Int32: String] = [:]
        for (token, id) in vocabulary {
            guard let other = owners.updateValue(token, forKey: id) else { continue }
            let pair = [token, other].sorted().map { "\"\($0)\"" }.joined(separator: " and ")
            throw ModelFilesError.invalid(path: file, reason: "\(pair) have the same id, \(id)")
        }
    }

    private static func merge(_ line: Substring, path: String) throws -> (left: String, right: String) {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw ModelFilesError.invalid(
                path: path,
                reason: "\"\(line.prefix(60))\" is no merge: expected two tokens and a space between")
        }
        return (String(parts[0]), String(parts[1]))
    }
}

/// `tokenizer.json`, as far as the reference reads it: it brings its own normalization and post-processing.
private struct SerializedTokenizer: Decodable {
    let model: Model
    let addedTokens: [Entry]

    enum CodingKeys: String, CodingKey {
        case model
        case addedTokens = "added_tokens"
    }

    struct Model: Decodable {
        let type: String?
        let vocab: [String: Int32]
        let merges: [Merge]
    }

    struct Entry: Decodable {
        let id: Int
        let token: AddedToken

        enum CodingKeys: CodingKey { case id }

        init(from decoder: any Decoder) throws {
            id = try decoder.container(keyedBy: CodingKeys.self).decode(Int.self, forKey: .id)
            token = try AddedToken(from: decoder)
        }
    }

    /// "a b" in older files, ["a", "b"] in newer ones.
    enum Merge: Decodable {
        case text(String)
        case pair(String, String)

        init(from decoder: any Decoder) throws {
            if let text = try? decoder.singleValueContainer().decode(String.self) {
                self = .text(text)
                return
            }
            var list = try decoder.unkeyedContainer()
            self = .pair(try list.decode(String.self), try list.decode(String.self))
        }
    }
}
