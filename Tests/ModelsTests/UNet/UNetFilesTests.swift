import Foundation
import Layers
import Models
import TensorCore
import TestSupport
import WeightFiles
import XCTest

final class UNetFilesTests: XCTestCase {
    func testADirectoryGivesTheSameNetwork() throws {
        for name in UNetFixture.names {
            let fixture = try UNetFixture(name)
            try withDirectory(fixture, fixture.weights) { component in
                let model = try UNet2DConditionModel.load(component)
                let y = model(
                    try fixture.latents, timesteps: fixture.timesteps, context: try fixture.context)
                assertCloseToScale(y.channelsFirst, try fixture.reference("output.base"), 2e-5, name)
            }
        }
    }

    func testAllFaultsOfAFileAreNamed() throws {
        let fixture = try UNetFixture("conv-projection")
        var weights = fixture.weights
        weights["conv_in.bias"] = nil
        weights["conv_out.bias"] = .zeros([3])
        weights["extra.weight"] = .zeros([1])
        try withDirectory(fixture, weights) { component in
            XCTAssertThrowsError(try UNet2DConditionModel.load(component)) { error in
                for part in [
                    "1 missing: conv_in.bias", "1 unexpected: extra.weight", "conv_out.bias (expected",
                ] {
                    XCTAssertTrue("\(error)".contains(part), "\(error)")
                }
            }
        }
    }

    // MARK: Adapters

    func testAnAdapterGoesThroughAFile() throws {
        let fixture = try UNetFixture("conv-projection")
        let model = fixture.model()
        let adapter = try fixture.adapter("second", of: model)
        let modules = adapter.modules(of: model)
        for (path, module) in try fixture.modules("second") {
            let found = try XCTUnwrap(modules[path])
            assertIdentical(found.down, module.down, path)
            assertIdentical(found.up, module.up, path)
            XCTAssertEqual(found.scale, module.scale)
        }
        try withTemporaryDirectory { directory in
            let path = directory.appendingPathComponent("adapter.safetensors").path
            try LoRAFile(unet: modules).write(to: path, format: .diffusers)
            let read = try LoRAAdapter(LoRAFile(path: path).unet, adapting: model)
            XCTAssertTrue(read.parameters.allSatisfy { !$0.isTrainable })
            let y = model(
                try fixture.latents, timesteps: fixture.timesteps, context: try fixture.context,
                adapters: .adapter(read))
            assertCloseToScale(y.channelsFirst, try fixture.reference("output.second"), 2e-5)
        }
    }

    func testAnAdapterOfAnotherBaseIsRefused() throws {
        let fixture = try UNetFixture("conv-projection")
        let model = fixture.model()
        let path = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
        let modules = [
            "mid_block.attentions.7.proj_in": module(inputs: 64, outputs: 64),
            "conv_in": module(inputs: 4, outputs: 32),
            path: module(inputs: 64, outputs: 32),
        ]
        XCTAssertThrowsError(try LoRAAdapter(modules, adapting: model)) { error in
            let mismatch = error as? AdapterMismatch
            XCTAssertEqual(mismatch?.unknown, ["mid_block.attentions.7.proj_in"])
            XCTAssertEqual(mismatch?.fixed, ["conv_in"])
            XCTAssertEqual(
                mismatch?.misshaped,
                ["\(path) (A [2, 64] and B [32, 2] for a layer of 64 inputs and 64 outputs)"])
            XCTAssertTrue(
                "\(error)".contains("no such layer: mid_block.attentions.7.proj_in; "), "\(error)")
            XCTAssertTrue("\(error)".contains("projection and time layers only, not: conv_in"), "\(error)")
        }
    }

    func testANewAdapterChangesNothing() throws {
        let fixture = try UNetFixture("conv-projection")
        let model = fixture.model()
        let adapter = LoRAAdapter(
            adapting: model, rank: 4, alpha: 8, key: RandomKey(seed: 3, stream: 0))
        // Four transformers, each with two attentions of four layers.
        XCTAssertEqual(adapter.factors.count, 32)
        XCTAssertEqual(adapter.parameters.count, 64)
        let path = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k"
        let factors = try XCTUnwrap(adapter.factors[path])
        XCTAssertEqual([factors.rank, factors.inputs, factors.outputs], [4, 24, 32])
        XCTAssertEqual(factors.scale, 2)
        XCTAssertEqual(
            adapter.namedParameters(under: "unet").filter { $0.name.contains(path) }.map(\.name),
            ["unet.\(path).lora_A.weight", "unet.\(path).lora_B.weight"])
        let deviations = adapter.factors.values.map {
            $0.down.value.sumOfSquares() / Double($0.down.shape.elementCount)
        }
        XCTAssertEqual(deviations.reduce(0, +) / Double(deviations.count), 1 / 16, accuracy: 0.005)
        let y = model(
            try fixture.latents, timesteps: fixture.timesteps, context: try fixture.context,
            adapters: .adapter(adapter))
        assertCloseToScale(y.channelsFirst, try fixture.reference("output.base"), 2e-5)
    }

    private func module(inputs: Int, outputs: Int) -> LoRAModule {
        LoRAModule(down: .zeros([2, inputs]), up: .zeros([outputs, 2]), scale: 1)
    }

    private func withDirectory(
        _ fixture: UNetFixture, _ weights: [String: Tensor], _ body: (ComponentDirectory) throws -> Void
    ) throws {
        try withTemporaryDirectory { directory in
            let config = try XCTUnwrap(fixture.file.metadata["config"])
            try config.write(
                to: directory.appendingPathComponent("config.json"), atomically: false, encoding: .utf8)
            try SafetensorsFile.write(
                weights,
                to: directory.appendingPathComponent("diffusion_pytorch_model.safetensors").path)
            try body(ComponentDirectory(path: directory.path))
        }
    }
}
