import Foundation
import Models
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// Text encoders against transformers, whose answers `make_text_models.py` wrote.
final class CLIPTextModelTests: XCTestCase {
    private func model(_ name: String, as dtype: DType = .float32) throws -> CLIPTextModel {
        try CLIPTextModel.load(ComponentDirectory(path: try fixture(name).path), as: dtype)
    }

    func testHiddenStatesAndPooledFeaturesAreThoseOfTransformers() throws {
        let reference = try SafetensorsFile(path: try fixture("text.safetensors").path)
        for name in ["quick", "exact"] {
            let ids = try reference.tensor("\(name).ids")
            let model = try model(name)
            let hidden = withoutRecording { model(ids) }
            assertWithin(1e-5, hidden, try reference.tensor("\(name).hidden"), name)
            assertWithin(
                1e-5, model.pooled(hidden, ids: ids), try reference.tensor("\(name).pooled"), name)
        }
    }

    func testNarrowWeightsComputeInSinglePrecision() throws {
        // The files hold f16 and bf16: read as they are they are the same numbers as widened.
        let reference = try SafetensorsFile(path: try fixture("text.safetensors").path)
        for (name, dtype) in [("quick", DType.float16), ("exact", .bfloat16)] {
            let hidden = try model(name, as: dtype)(try reference.tensor("\(name).ids"))
            assertWithin(1e-5, hidden, try reference.tensor("\(name).hidden"), name)
        }
    }

    func testNamesAreThoseOfTheFile() throws {
        let model = try model("quick")
        let file = try SafetensorsFile(path: try fixture("quick/model.safetensors").path)
        let stored = Set(file.entries.map(\.name)).subtracting(["text_model.embeddings.position_ids"])
        XCTAssertEqual(Set(model.namedParameters.map(\.name)), stored)
        XCTAssertEqual(model.namedParameters.count, stored.count)
        for named in model.namedParameters { XCTAssertEqual(named.parameter.shape, file[named.name]?.shape) }
    }

    func testSizesThatMakeNoModelAreRefused() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory.path)/config.json"
            for (json, reason) in [
                (
                    #"{"hidden_size": 30, "num_attention_heads": 4}"#,
                    "hidden_size 30 does not fall into num_attention_heads 4"
                ),
                (
                    #"{"hidden_size": 0, "vocab_size": -1}"#,
                    "hidden_size is 0, must lie in 1...16777216; vocab_size is -1, must lie in 1...16777216"
                ),
                (#"{"num_hidden_layers": 8388608}"#, "num_hidden_layers is 8388608, must lie in 1...64"),
            ] {
                try json.write(toFile: path, atomically: false, encoding: .utf8)
                XCTAssertThrowsError(
                    try CLIPTextModel.load(ComponentDirectory(path: directory.path))
                ) { error in
                    XCTAssertEqual(
                        "\(error)", "\(path): \(reason). Correct it, or download or export the file again.")
                }
            }
        }
    }
}
