import Foundation
import WeightFiles

/// What `tokenizer_config.json` and the files beside it say of special tokens and lengths.
///
/// All of them may be absent. Where they disagree the order of transformers holds: `added_tokens_decoder` of the
/// configuration makes it ignore `special_tokens_map.json` and `added_tokens.json`.
struct TokenizerConfiguration {
    let directory: String
    /// nil where no limit is given.
    let maximumLength: Int?
    let truncatesLeft: Bool
    let padsLeft: Bool
    /// Special tokens written in a text are text.
    let splitsSpecial: Bool
    /// In the order in which they get their ids.
    let addedTokens: [AddedToken]
    private let named: [String: AddedToken]

    private static let names = [
        "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
    ]
    private static let defaults = [
        "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
    ]

    /// - Parameter serialized: `added_tokens` of `tokenizer.json`, by id.
    init(directory: String, serialized: [Int: AddedToken]) throws {
        func decode<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value? {
            let path = "\(directory)/\(name)"
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            return try JSONFile.decode(type, from: path)
        }
        let file = try decode(TokenizerConfigurationFile.self, "tokenizer_config.json") ?? .init()
        var named = Self.defaults.mapValues { AddedToken(content: $0, isSpecial: true) }
        named.merge(file.named) { $1 }
        var extra = file.extra
        var byID = file.addedTokens ?? [:]
        if file.addedTokens == nil {
            if let map = try decode(SpecialTokensFile.self, "special_tokens_map.json") {
                named.merge(map.named) { $1 }
                if extra.isEmpty { extra = map.extra }
            }
            for (content, id) in try decode([String: Int].self, "added_tokens.json") ?? [:] {
                let isSpecial = (Array(named.values) + extra).contains { $0.content == content }
                byID[id] = AddedToken(
                    content: content, matchesNormalized: !isSpecial, isSpecial: isSpecial)
            }
            byID.merge(serialized) { $1 }
        }
        let listed = byID.sorted { $0.key < $1.key }.map(\.value)
        self.directory = directory
        self.named = named
        maximumLength = file.maximumLength
        truncatesLeft = file.truncatesLeft
        padsLeft = file.padsLeft
        splitsSpecial = file.splitsSpecial
        addedTokens = Self.ordered(listed: listed, named: named, extra: extra)
        if let maximumLength, maximumLength < 2 {
            throw ModelFilesError.invalid(
                path: "\(directory)/tokenizer_config.json",
                reason: "model_max_length is \(maximumLength), expected at least 2")
        }
    }

    func content(ofNamed name: String) -> String { named[name]?.content ?? "" }

    private static func ordered(
        listed: [AddedToken], named: [String: AddedToken], extra: [AddedToken]
    ) -> [AddedToken] {
        let others = named.keys.filter { !names.contains($0) }.sorted()
        var tokens = listed
        for token in (names + others).compactMap({ named[$0] }) + extra
        where !listed.contains(where: { $0.content == token.content }) && !tokens.contains(token) {
            tokens.append(token)
        }
        let special = Set(named.values.map(\.content))
        return tokens.map { token in
            var token = token
            token.isSpecial = token.isSpecial || special.contains(token.content)
            return token
        }
    }
}

/// `tokenizer_config.json`.
private struct TokenizerConfigurationFile: Decodable {
    var maximumLength: Int?
    var truncatesLeft = false
    var padsLeft = false
    var splitsSpecial = false
    var addedTokens: [Int: AddedToken]?
    var named: [String: AddedToken] = [:]
    var extra: [AddedToken] = []

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        let special = try SpecialTokensFile(from: decoder)
        (named, extra) = (special.named, special.extra)
        // "No limit" is written as 1e30.
        let length =
            try container.decodeIfPresent(Double.self, forKey: AnyKey("model_max_length"))
            ?? container.decodeIfPresent(Double.self, forKey: AnyKey("max_len"))
        maximumLength = length.flatMap { $0 < 1e9 ? Int($0) : nil }
        truncatesLeft =
            try container.decodeIfPresent(String.self, forKey: AnyKey("truncation_side")) == "left"
        padsLeft = try container.decodeIfPresent(String.self, forKey: AnyKey("padding_side")) == "left"
        splitsSpecial =
            try container.decodeIfPresent(Bool.self, forKey: AnyKey("split_special_tokens")) ?? false
        addedTokens = try container.decodeIfPresent(
            [Int: AddedToken].self, forKey: AnyKey("added_tokens_decoder"))
    }
}

/// `special_tokens_map.json`, and the same keys in `tokenizer_config.json`.
private struct SpecialTokensFile: Decodable {
    var named: [String: AddedToken] = [:]
    var extra: [AddedToken] = []

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        for key in container.allKeys where key.stringValue.hasSuffix("_token") {
            // Options such as `add_prefix_token` are no tokens.
            guard var token = try? container.decode(AddedToken.self, forKey: key) else { continue }
            token.isSpecial = true
            named[key.stringValue] = token
        }
        for name in ["additional_special_tokens", "extra_special_tokens"] {
            let key = AnyKey(name)
            if let list = try? container.decodeIfPresent([AddedToken].self, forKey: key) {
                extra = list
            } else if let table = try? container.decodeIfPresent([String: AddedToken].self, forKey: key) {
                named.merge(table) { $1 }
            }
        }
    }
}
