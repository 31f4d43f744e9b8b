import Foundation
import Models
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// Autoencoders against diffusers, whose answers `make_autoencoders.py` wrote: one with three levels, old attention
/// names and f16 weights, one without attention and 1×1 convolutions.
final class AutoencoderTests: XCTestCase {
    private static let names = ["old", "bare"]

    private func model(_ name: String, as dtype: DType = .float32) throws -> Autoencoder {
        try Autoencoder.load(ComponentDirectory(path: try fixture(name).path), as: dtype)
    }

    /// A tensor of the reference, images and latents channels last.
    private func reference(_ name: String) throws -> Tensor {
        try SafetensorsFile(path: try fixture("autoencoders.safetensors").path).tensor(name).channelsLast
    }

    func testEncodesAsDiffusers() throws {
        for name in Self.names {
            let latents = try model(name).encode(try reference("\(name).images"))
            assertWithin(1e-5, latents.mean, try reference("\(name).mean"), name)
            assertWithin(1e-5, latents.logVariance, try reference("\(name).log_variance"), name)
        }
    }

    func testSampleIsMeanPlusScaledNoise() throws {
        let model = try model("bare")
        let distribution = model.encode(try reference("bare.images"))
        let noise = Tensor.normal(distribution.mean.shape, key: RandomKey(seed: 1, stream: 1))
        let expected = zip(
            zip(distribution.mean.doubles, distribution.logVariance.doubles), noise.doubles
        ).map { moments, z in 0.5 * (moments.0 + exp(moments.1 / 2) * z) }
        assertClose(distribution.sample(noise: noise).doubles, expected, absolute: 1e-5, relative: 1e-5)
        assertClose(
            distribution.mode.doubles, distribution.mean.doubles.map { $0 * 0.5 }, relative: 1e-6)
    }

    func testDecodesAsDiffusersWhateverIsKept() throws {
        for name in Self.names {
            let (model, latents) = (try model(name), try reference("\(name).latents"))
            let expected = try reference("\(name).decoded")
            for memory in DecoderMemory.allCases {
                assertWithin(1e-5, model.decode(latents, memory: memory), expected, "\(name) \(memory)")
            }
        }
    }

    func testGradientOfLatentsIsThatOfAutograd() throws {
        for name in Self.names {
            let (model, seed) = (try model(name), try reference("\(name).seed"))
            let expected = try reference("\(name).gradient")
            for memory in DecoderMemory.allCases {
                let latents = try reference("\(name).latents").tracked()
                let images = model.decode(latents, memory: memory)
                let gradient = gradients(of: [(output: images, seed: seed)])[latents]
                assertWithin(1e-5, try XCTUnwrap(gradient), expected, "\(name) \(memory)")
            }
        }
    }

    func testNarrowWeightsComputeInSinglePrecision() throws {
        let images = try model("old", as: .float16).decode(try reference("old.latents"))
        assertWithin(1e-5, images, try reference("old.decoded"))
    }

    func testNamesAreThoseOfTheFile() throws {
        let file = try SafetensorsFile(path: try fixture("bare/diffusion_pytorch_model.safetensors").path)
        let names = try model("bare").namedParameters.map(\.name)
        XCTAssertEqual(names.sorted(), file.entries.map(\.name).sorted())
    }

    func testWhatTheFileAsksForAndSaddleHasNotIsRefused() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory.path)/config.json"
            for (json, end) in [
                (#"{"shift_factor": 0.1}"#, "shift_factor 0.1 is not supported"),
                (#"{"latents_mean": [0, 0]}"#, "latents_mean is not supported"),
                (#"{"act_fn": "mish"}"#, "act_fn mish is not supported"),
                (#"{"out_channels": 4}"#, "out_channels 4 differs from in_channels 3"),
                (
                    #"{"up_block_types": ["AttnUpDecoderBlock2D"]}"#,
                    "up_block_types has AttnUpDecoderBlock2D, which is not supported"
                ),
                (
                    #"{"norm_num_groups": 0, "scaling_factor": 0}"#,
                    "norm_num_groups is 0, must lie in 1...16777216; scaling_factor is 0.0, must be a positive"
                        + " number of f32"
                ),
                (#"{"layers_per_block": 8388608}"#, "layers_per_block is 8388608, must lie in 1...64"),
                (
                    #"{"block_out_channels": [40, 64]}"#,
                    "block_out_channels 40 does not fall into norm_num_groups 32"
                ),
            ] {
                try json.write(toFile: path, atomically: false, encoding: .utf8)
                XCTAssertThrowsError(
                    try Autoencoder.load(ComponentDirectory(path: directory.path))
                ) { error in
                    XCTAssertTrue("\(error)".hasPrefix("\(path): \(end). "), "\(error)")
                }
            }
        }
    }
}
