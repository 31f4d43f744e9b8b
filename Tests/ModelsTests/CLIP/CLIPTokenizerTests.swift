import Foundation
import Models
import TestSupport
import WeightFiles
import XCTest

/// The ids of transformers (`Fixtures/make_tokenizer.py`).
final class CLIPTokenizerTests: XCTestCase {
    private struct Reference: Decodable {
        let cases: [Case]

        struct Case: Decodable {
            let tokenizer: String
            let text: String
            let ids: [Int32]
        }
    }

    private func tokenizer(_ name: String) throws -> CLIPTokenizer {
        try CLIPTokenizer(directory: fixture(name).path)
    }

    /// From `vocab.json` and `merges.txt` or `tokenizer.json`, with the special tokens of Stable Diffusion 1 and 2,
    /// with added ones, and with no configuration at all.
    func testGivesTheReferencesIDs() throws {
        let data = try Data(contentsOf: fixture("tokens.json"))
        let cases = try JSONDecoder().decode(Reference.self, from: data).cases
        XCTAssertGreaterThan(cases.count, 600)
        for (name, group) in Dictionary(grouping: cases, by: \.tokenizer) {
            let tokenizer = try tokenizer(name)
            XCTAssertEqual(tokenizer.maximumLength, name == "sd2" ? 20 : 77)
            for reference in group {
                let fill = max(0, tokenizer.maximumLength - reference.ids.count)
                XCTAssertEqual(
                    tokenizer(reference.text),
                    reference.ids + Array(repeating: tokenizer.padding, count: fill),
                    "\(name): \(reference.text.debugDescription)")
            }
        }
    }

    func testSpecialTokensAndSizes() throws {
        let first = try tokenizer("sd1")
        XCTAssertEqual([first.beginning, first.end, first.padding], [755, 756, 756])
        XCTAssertEqual(first.vocabularySize, 757)
        XCTAssertEqual(first(""), [755] + Array(repeating: 756, count: 76))
        // Padding with "!" makes it a special token wherever it stands, even within a word.
        let second = try tokenizer("sd2")
        XCTAssertEqual(second.padding, second.ids(of: "a!")[1])
        XCTAssertEqual(second.vocabularySize, 759)
    }

    /// A word and a text longer than any prompt take time about linear in their length.
    func testLongTexts() throws {
        let tokenizer = try tokenizer("sd1")
        let long = tokenizer.ids(of: String(repeating: "ca", count: 50_000))
        let short = tokenizer.ids(of: String(repeating: "ca", count: 500))
        XCTAssertEqual(long.prefix(400), short.prefix(400))
        XCTAssertEqual(tokenizer.ids(of: String(repeating: "photo ", count: 20_000)).count, 20_000)
    }

    func testNamesWhatIsMissing() throws {
        try withTemporaryDirectory { directory in
            let path = directory.path
            XCTAssertThrowsError(try CLIPTokenizer(directory: path)) { error in
                XCTAssertEqual(
                    "\(error)",
                    "\(path): the vocabulary is missing. Expected tokenizer.json, or vocab.json and merges.txt."
                )
            }
            func write(_ text: String, _ name: String) throws {
                try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
            }
            try write(#"{"a": 0, "b</w>": 1, "<|startoftext|>": 2, "<|endoftext|>": 3}"#, "vocab.json")
            for (merges, reason) in [
                ("a b</w>", #""ab</w>" is not in the vocabulary"#), ("a x", #""x" is not in the vocabulary"#),
                ("a b c", #""a b c" is no merge: expected two tokens and a space between"#),
                ("a", #""a" is no merge: expected two tokens and a space between"#),
            ] {
                try write("#version: 0.2\n\(merges)\n", "merges.txt")
                XCTAssertThrowsError(try CLIPTokenizer(directory: path)) { error in
                    XCTAssertEqual(
                        "\(error)",
                        "\(path)/merges.txt: \(reason). Correct it, or download or export the file again.")
                }
            }
            try write("#version: 0.2\n", "merges.txt")
            try write(#"{"model_max_length": 1}"#, "tokenizer_config.json")
            XCTAssertThrowsError(try CLIPTokenizer(directory: path)) { error in
                XCTAssertTrue("\(error)".contains("model_max_length is 1, expected at least 2"), "\(error)")
            }
            // Bytes that the vocabulary lacks are the unknown token.
            try write(#"{"model_max_length": 5}"#, "tokenizer_config.json")
            XCTAssertEqual(try CLIPTokenizer(directory: path)("ab z"), [2, 0, 1, 3, 3])
        }
    }

    func testNamesIdsThatAreNone() throws {
        try withTemporaryDirectory { directory in
            let path = directory.path
            try "#version: 0.2\n".write(toFile: "\(path)/merges.txt", atomically: false, encoding: .utf8)
            for (ids, reason) in [
                ((-5, 1), #"the id of "a" is negative"#), ((1, 1), #""a" and "b</w>" have the same id, 1"#),
            ] {
                let vocabulary =
                    #"{"a": \#(ids.0), "b</w>": \#(ids.1), "<|startoftext|>": 2, "<|endoftext|>": 3}"#
                try vocabulary.write(toFile: "\(path)/vocab.json", atomically: false, encoding: .utf8)
                XCTAssertThrowsError(try CLIPTokenizer(directory: path)) { error in
                    XCTAssertEqual(
                        "\(error)",
                        "\(path)/vocab.json: \(reason). Correct it, or download or export the file again.")
                }
            }
        }
    }
}
