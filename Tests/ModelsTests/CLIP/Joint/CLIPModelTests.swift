import Foundation
import Models
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// Both towers against transformers, whose answers `make_joint_models.py` wrote.
final class CLIPModelTests: XCTestCase {
    private func model(_ name: String, as dtype: DType? = .float32) throws -> CLIPModel {
        try CLIPModel.load(ComponentDirectory(path: try fixture(name).path), as: dtype)
    }

    private func reference(_ name: String, _ tensor: String) throws -> Tensor {
        try SafetensorsFile(path: try fixture("joint.safetensors").path).tensor("\(name).\(tensor)")
    }

    func testFeaturesAreThoseOfTransformers() throws {
        for name in ["quick", "exact"] {
            // The files hold f16 and bf16: read as they are they are the same numbers as widened.
            for dtype in [DType.float32, nil] {
                let model = try model(name, as: dtype)
                let images = try reference(name, "images").channelsLast
                assertWithin(1e-5, model.images(images), try reference(name, "image_features"), name)
                let texts = model.textFeatures(try reference(name, "ids"))
                assertWithin(1e-5, texts, try reference(name, "text_features"), name)
            }
        }
    }

    func testGradientsOfImagesAreThoseOfTransformers() throws {
        for name in ["quick", "exact"] {
            let images = try reference(name, "images").channelsLast.tracked()
            let features = try model(name).images(images)
            let found = gradients(of: [(features, try reference(name, "seed"))])[images]
            let gradient = try XCTUnwrap(found).channelsFirst
            assertWithin(1e-5, gradient, try reference(name, "gradient"), name)
        }
    }

    func testVisionHalfOfTheFile() throws {
        let directory = try ComponentDirectory(path: try fixture("quick").path)
        let images = try reference("quick", "images").channelsLast
        let encoder = try CLIPImageEncoder.load(directory)
        assertIdentical(encoder(images), try model("quick").images(images))
        XCTAssertEqual(encoder.features, 20)
    }

    /// CLIPVisionModelWithProjection's own directory: its configuration at the top, its tensors alone.
    func testVisionModelAlone() throws {
        try withTemporaryDirectory { directory in
            let whole = try model("exact")
            try SafetensorsFile.write(
                Dictionary(
                    uniqueKeysWithValues: whole.images.namedParameters.map { named in
                        let value = named.parameter.value
                        return (named.name, value.shape.rank == 4 ? value.channelsFirstWeight : value)
                    }), to: directory.appendingPathComponent("model.safetensors").path)
            try """
            {"model_type": "clip_vision_model", "hidden_size": 16, "intermediate_size": 64, "image_size": 14,
             "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 5, "hidden_act": "gelu",
             "layer_norm_eps": 1e-6, "projection_dim": 16}
            """.write(
                to: directory.appendingPathComponent("config.json"), atomically: false, encoding: .utf8)
            let images = try reference("exact", "images").channelsLast
            let alone = try CLIPImageEncoder.load(ComponentDirectory(path: directory.path))
            assertIdentical(alone(images), whole.images(images))
        }
    }

    func testNamesAreThoseOfTheFile() throws {
        let model = try model("quick")
        let file = try SafetensorsFile(path: try fixture("quick/model.safetensors").path)
        let stored = Set(file.entries.map(\.name)).filter { !$0.hasSuffix("position_ids") }
        XCTAssertEqual(Set(model.namedParameters.map(\.name)), stored)
        XCTAssertEqual(model.namedParameters.count, stored.count)
    }

    func testConfigurationsOfOldAndNewFiles() throws {
        func configuration(_ json: String) throws -> CLIPConfiguration {
            try JSONDecoder().decode(CLIPConfiguration.self, from: Data(json.utf8))
        }
        let defaults = try configuration("{}")
        XCTAssertEqual(defaults.vision.encoder.width, 768)
        XCTAssertEqual(defaults.vision.patches, 49)
        XCTAssertEqual(defaults.text.encoder.width, 512)
        XCTAssertEqual(defaults.projectionWidth, 512)
        let older = try configuration(
            #"{"vision_config_dict": {"patch_size": 14}, "vision_config": null, "projection_dim": 768}"#)
        XCTAssertEqual(older.vision.patches, 256)
        XCTAssertEqual(older.projectionWidth, 768)
    }

    func testSizesThatMakeNoModelAreRefused() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory.path)/config.json"
            for (json, reason) in [
                (#"{"vision_config": {"patch_size": 300}}"#, "patch_size 300 is larger than image_size 224"),
                (#"{"vision_config": {"num_channels": 4}}"#, "num_channels is 4, must be 3"),
                (#"{"projection_dim": 0}"#, "projection_dim is 0, must lie in 1...16777216"),
            ] {
                try json.write(toFile: path, atomically: false, encoding: .utf8)
                XCTAssertThrowsError(try CLIPModel.load(ComponentDirectory(path: directory.path))) { error in
                    XCTAssertEqual(
                        "\(error)", "\(path): \(reason). Correct it, or download or export the file again.")
                }
            }
        }
    }
}
