import Foundation
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// Which files of a component's directory are its weights, and its configuration.
final class ComponentDirectoryTests: XCTestCase {
    private let a = randomTensor([2, 3], seed: 1)
    private let b = randomTensor([4], seed: 2)

    /// Names of the files' only tensor tell which was chosen.
    private func chosen(_ files: [String], variant: String? = nil) throws -> [String] {
        try withTemporaryDirectory { directory in
            let folder = ModelFolder(path: directory.path)
            for file in files {
                if file.hasSuffix(".json") {
                    let shard = "\(file)-1.safetensors"
                    try folder.write([file: b], to: shard)
                    try folder.write(#"{"weight_map": {"\#(file)": "\#(shard)"}}"#, to: file)
                } else {
                    try folder.write([file: a], to: file)
                }
            }
            return try folder.component.weights(variant: variant).names
        }
    }

    func testTakesTheFileThatTheLibrariesTake() throws {
        let stem = "diffusion_pytorch_model"
        for (files, taken) in [
            (["\(stem).safetensors"], "\(stem).safetensors"),
            (["model.safetensors"], "model.safetensors"),
            (["\(stem).fp16.safetensors"], "\(stem).fp16.safetensors"),
            (["model.bf16.safetensors"], "model.bf16.safetensors"),
            (["\(stem).safetensors", "\(stem).fp16.safetensors"], "\(stem).safetensors"),
            (["\(stem).non_ema.safetensors", "\(stem).fp16.safetensors"], "\(stem).fp16.safetensors"),
            (["\(stem).safetensors.index.json"], "\(stem).safetensors.index.json"),
            (["\(stem).safetensors.index.fp16.json"], "\(stem).safetensors.index.fp16.json"),
            (["model.fp16.safetensors.index.json"], "model.fp16.safetensors.index.json"),
            // Left over from a save in another number of files: diffusers takes the index, transformers the file.
            (["\(stem).safetensors", "\(stem).safetensors.index.json"], "\(stem).safetensors.index.json"),
            (["model.safetensors", "model.safetensors.index.json"], "model.safetensors"),
        ] {
            XCTAssertEqual(try chosen(files + ["\(stem)-00001-of-00002.safetensors"]), [taken], "\(files)")
        }
        let both = ["\(stem).safetensors", "\(stem).fp16.safetensors"]
        XCTAssertEqual(try chosen(both, variant: "fp16"), ["\(stem).fp16.safetensors"])
    }

    func testSaysWhatIsThereInstead() throws {
        let missing = "a safetensors file is missing."
        for (files, variant, expected) in [
            (
                [], nil,
                "\(missing) Expected diffusion_pytorch_model.safetensors, model.safetensors or their index."
            ),
            (
                ["pytorch_model.bin"], nil,
                "\(missing) Convert the PyTorch file to safetensors: load it in diffusers and call save_pretrained."
            ),
            (["model.a.safetensors", "model.b.safetensors"], nil, "\(missing) There are variants: a, b."),
            (
                ["model.a.safetensors"], "fp16",
                "a safetensors file of variant fp16 is missing. There are variants: a."
            ),
        ] {
            try withModelFolder { folder in
                for file in files { try folder.write("", to: file) }
                assertFails(
                    try folder.component.weights(variant: variant), "\(folder.path): \(expected)")
            }
        }
    }

    func testShardsAreOneSetOfTensors() throws {
        try withModelFolder { folder in
            try folder.write(["a": a], to: "x-00001-of-00002.safetensors")
            try folder.write(["b": b], to: "x-00002-of-00002.safetensors")
            try folder.write(
                """
                {"metadata": {"total_size": 40},
                 "weight_map": {"a": "x-00001-of-00002.safetensors", "b": "x-00002-of-00002.safetensors"}}
                """, to: "model.safetensors.index.json")
            let loaded = try folder.component.weights().load([("a", [2, 3]), ("b", [4])], as: nil)
            assertIdentical(try XCTUnwrap(loaded["a"]), a)
            assertIdentical(try XCTUnwrap(loaded["b"]), b)
        }
    }

    func testRefusesIndexesThatLie() throws {
        let name = "model.safetensors.index.json"
        for (map, expected) in [
            ("{}", "/\(name): weight_map names no tensors"),
            (
                #"{"a": "../one.safetensors"}"#,
                #"/\#(name): weight_map names "../one.safetensors", expected a safetensors file beside it"#
            ),
            (
                #"{"a": "one.bin"}"#,
                #"/\#(name): weight_map names "one.bin", expected a safetensors file beside it"#
            ),
            (
                #"{"a": "one.safetensors", "b": "one.safetensors", "c": "one.safetensors"}"#,
                "/one.safetensors: PATH/\(name) says it has b, c, which it has not"
            ),
            (
                #"{"a": "one.safetensors", "x": "two.safetensors"}"#,
                "/\(name): it does not name a of two.safetensors"
            ),
            (
                #"{"x": "two.safetensors"}"#, "/\(name): it does not name a of two.safetensors"
            ),
            (#"{"a": 1}"#, "/\(name): weight_map.a: Expected to decode String but found number instead."),
        ] {
            try withModelFolder { folder in
                try folder.write(["a": a], to: "one.safetensors")
                try folder.write(["a": a, "x": b], to: "two.safetensors")
                try folder.write(#"{"weight_map": \#(map)}"#, to: name)
                let text = (folder.path + expected).replacing("PATH", with: folder.path)
                XCTAssertThrowsError(try folder.component.weights()) { error in
                    XCTAssertTrue("\(error)".hasPrefix(text), "\(error)")
                }
            }
        }
    }

    func testNamesAShardThatIsGone() throws {
        try withModelFolder { folder in
            try folder.write(
                #"{"weight_map": {"a": "gone.safetensors"}}"#, to: "model.safetensors.index.json")
            XCTAssertThrowsError(try folder.component.weights()) { error in
                XCTAssertEqual(
                    error as? SafetensorsError,
                    .unreadable(file: "\(folder.path)/gone.safetensors", reason: "No such file or directory"))
            }
        }
    }

    func testConfiguration() throws {
        struct Sizes: Decodable, Equatable { var width: Int }
        try withModelFolder { folder in
            let path = "\(folder.path)/config.json"
            assertFails(
                try folder.component.configuration(Sizes.self),
                "\(path): cannot read: No such file or directory. Check the path and its permissions.")
            try folder.write(#"{"width": 3, "other": [1]}"#, to: "config.json")
            XCTAssertEqual(try folder.component.configuration(Sizes.self), Sizes(width: 3))
            for number in ["2.5", "1e30"] {
                try folder.write(#"{"width": \#(number), "depth": 2, "other": [0.5]}"#, to: "config.json")
                assertFails(
                    try folder.component.configuration(Sizes.self),
                    "\(path): a number is too large, or not whole where it has to be: other (0.5) or width"
                        + " (\(Double(number) ?? 0)). Correct it, or download or export the file again.")
            }
            try folder.write(#"{"wide": 3}"#, to: "config.json")
            assertFails(
                try folder.component.configuration(Sizes.self),
                "\(path): width: is missing. Correct it, or download or export the file again.")
        }
    }
}
