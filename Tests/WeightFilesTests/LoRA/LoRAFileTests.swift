import Foundation
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// One adapter in every style (`Fixtures/make_adapters.py`), and what Saddle writes of it.
final class LoRAFileTests: XCTestCase {
    private struct Scales: Decodable {
        let unet: [String: Double]
        let textEncoder: [String: Double]

        enum CodingKeys: String, CodingKey {
            case unet
            case textEncoder = "text_encoder"
        }
    }

    private func adapter(_ name: String) throws -> LoRAFile {
        try LoRAFile(path: fixture("\(name).safetensors").path)
    }

    private func expected() throws -> (file: LoRAFile, scales: Scales) {
        let scales = try JSONDecoder().decode(Scales.self, from: Data(contentsOf: fixture("scales.json")))
        return (try adapter("peft"), scales)
    }

    private func assertSameTensors(
        _ actual: [String: LoRAModule], _ expected: [String: LoRAModule], file: StaticString = #filePath,
        line: UInt = #line
    ) throws {
        XCTAssertEqual(Set(actual.keys), Set(expected.keys), file: file, line: line)
        for (name, module) in expected {
            let found = try XCTUnwrap(actual[name], name, file: file, line: line)
            assertIdentical(found.down, module.down, name, file: file, line: line)
            assertIdentical(found.up, module.up, name, file: file, line: line)
        }
    }

    func testReadsEveryStyle() throws {
        let (reference, scales) = try expected()
        for name in ["peft", "diffusers", "kohya"] {
            let file = try adapter(name)
            try assertSameTensors(file.unet, reference.unet)
            try assertSameTensors(file.textEncoder, reference.textEncoder)
            XCTAssertEqual(file.unet.mapValues(\.scale), scales.unet, name)
            XCTAssertEqual(file.textEncoder.mapValues(\.scale), scales.textEncoder, name)
        }
        let alone = try adapter("unet-only")
        try assertSameTensors(alone.unet, reference.unet)
        XCTAssertEqual(alone.unet.mapValues(\.scale), scales.unet)
        XCTAssertTrue(alone.textEncoder.isEmpty)
    }

    func testStrengthIsOneWhereTheFileSaysNothing() throws {
        let (reference, _) = try expected()
        for name in ["peft-bare", "processors"] {
            let file = try adapter(name)
            try assertSameTensors(file.unet, reference.unet)
            XCTAssertEqual(Set(file.unet.values.map(\.scale)), [1], name)
        }
    }

    func testKeepsConvolutionsAsTheyAre() throws {
        let unet = try adapter("kohya").unet
        let convolution = try XCTUnwrap(unet["mid_block.resnets.0.conv1"])
        XCTAssertTrue(convolution.isConvolution)
        XCTAssertEqual(convolution.down.shape, [2, 8, 3, 3])
        XCTAssertEqual(convolution.up.shape, [8, 2, 1, 1])
        let pointwise = try XCTUnwrap(unet["mid_block.attentions.0.proj_in"])
        XCTAssertEqual(pointwise.down.shape, [1, 8, 1, 1])
        XCTAssertEqual(pointwise.rank, 1)
        XCTAssertEqual(pointwise.alpha, 5)
        let linear = try XCTUnwrap(unet["mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0"])
        XCTAssertFalse(linear.isConvolution)
    }

    /// ΔW is what counts: the writers move strength from α into B.
    func testWrittenFilesHaveTheSameStrength() throws {
        let reference = try adapter("diffusers")
        for format in LoRAFormat.allCases {
            for dtype in [DType.float32, .bfloat16] {
                try withTemporaryDirectory { directory in
                    let path = directory.appendingPathComponent("x.safetensors").path
                    try reference.write(to: path, format: format, dtype: dtype, metadata: ["made-by": "test"])
                    let written = try LoRAFile(path: path, as: .float32)
                    XCTAssertEqual(Set(written.unet.keys), Set(reference.unet.keys))
                    XCTAssertEqual(Set(written.textEncoder.keys), Set(reference.textEncoder.keys))
                    for (name, module) in written.unet.merging(written.textEncoder, uniquingKeysWith: { $1 })
                    {
                        let original = try XCTUnwrap(reference.unet[name] ?? reference.textEncoder[name])
                        let tolerance = dtype == .float32 ? 1e-6 : 0x1p-8
                        assertClose(module.down, original.down, relative: tolerance, name)
                        assertClose(
                            module.up.affine(scale: module.scale, shift: 0),
                            original.up.affine(scale: original.scale, shift: 0), relative: 2 * tolerance, name
                        )
                    }
                    let file = try SafetensorsFile(path: path)
                    XCTAssertEqual(file.metadata["format"], "pt")
                    XCTAssertEqual(file.metadata["made-by"], "test")
                    XCTAssertTrue(
                        file.entries.allSatisfy { $0.name.hasSuffix(".alpha") || $0.type.dtype == dtype })
                }
            }
        }
    }

    /// The keys diffusers 0.42 and the user interfaces look for.
    func testWrittenNamesAndMetadata() throws {
        let (reference, _) = try expected()
        try withTemporaryDirectory { directory in
            let path = directory.appendingPathComponent("x.safetensors").path
            try reference.write(to: path, format: .diffusers)
            let peft = try SafetensorsFile(path: fixture("peft.safetensors").path)
            let written = try SafetensorsFile(path: path)
            let text = "text_encoder."
            XCTAssertEqual(
                Set(written.entries.map(\.name)),
                Set(
                    peft.entries.map {
                        $0.name.replacing(text + "encoder", with: text + "text_model.encoder")
                    }))
            let json = try XCTUnwrap(written.metadata["lora_adapter_metadata"])
            let members = try XCTUnwrap(
                JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: any Sendable])
            XCTAssertEqual(members["unet.r"] as? Int, 2)
            XCTAssertEqual(members["unet.lora_alpha"] as? Int, 2)
            let ranks = ["^down_blocks.0.attentions.0.proj_in": 1, "^mid_block.attentions.0.proj_in": 1]
            XCTAssertEqual(members["unet.rank_pattern"] as? [String: Int], ranks)
            XCTAssertEqual(members["unet.alpha_pattern"] as? [String: Int], ranks)
            XCTAssertEqual(members["unet.target_modules"] as? [String], reference.unet.keys.sorted())
            XCTAssertEqual(
                members["text_encoder.target_modules"] as? [String],
                ["mlp.fc1", "self_attn.out_proj", "self_attn.q_proj"].map { "encoder.layers.0." + $0 })

            try reference.write(to: path, format: .kohya)
            let kohya = try SafetensorsFile(path: path)
            let foreign = try SafetensorsFile(path: fixture("kohya.safetensors").path)
            XCTAssertEqual(Set(kohya.entries.map(\.name)), Set(foreign.entries.map(\.name)))
            XCTAssertEqual(kohya.metadata["ss_network_dim"], "2")
            let alphas = try kohya.entries.filter { $0.name.hasSuffix(".alpha") }.map {
                try kohya.tensor($0.name)
            }
            XCTAssertEqual(Set(alphas.map(\.item)), [8])
            XCTAssertEqual(Set(alphas.map(\.shape)), [[]])
        }
    }
}
