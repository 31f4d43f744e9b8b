import Foundation
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// Names of layers through every style, and files that are no plain LoRA.
final class LoRANamesTests: XCTestCase {
    private let down = Tensor([Float(1), 2], shape: [1, 2])
    private let up = Tensor([Float(3), 4], shape: [2, 1])

    private func read(_ tensors: [String: Tensor], metadata: [String: String] = [:]) throws -> LoRAFile {
        try withTemporaryDirectory { directory in
            let path = directory.appendingPathComponent("x.safetensors").path
            try SafetensorsFile.write(tensors, metadata: metadata, to: path)
            return try LoRAFile(path: path)
        }
    }

    private func assertRefused(
        _ tensors: [String: Tensor], metadata: [String: String] = [:], _ message: String,
        file: StaticString = #filePath, line: UInt = #line
    ) {
        XCTAssertThrowsError(try read(tensors, metadata: metadata), file: file, line: line) { error in
            XCTAssertTrue(error is ModelFilesError, "\(error)", file: file, line: line)
            XCTAssertTrue("\(error)".contains(message), "\(error)", file: file, line: line)
        }
    }

    /// All layers of Stable Diffusion 1 survive kohya's underscores and come back one to one.
    func testEveryLayerComesBackFromBothStyles() throws {
        let names = try String(contentsOf: fixture("modules.txt"), encoding: .utf8).split(separator: "\n")
            .map(String.init)
        XCTAssertEqual(names.count, 282 + 72)
        let module = LoRAModule(down: down, up: up, scale: 0.5)
        let (text, unet) = (
            names.filter { $0.hasPrefix("text_model.") }, names.filter { !$0.hasPrefix("text_model.") }
        )
        let adapter = LoRAFile(
            unet: Dictionary(uniqueKeysWithValues: unet.map { ($0, module) }),
            textEncoder: Dictionary(uniqueKeysWithValues: text.map { ($0, module) }))
        for format in LoRAFormat.allCases {
            try withTemporaryDirectory { directory in
                let path = directory.appendingPathComponent("x.safetensors").path
                try adapter.write(to: path, format: format)
                let back = try LoRAFile(path: path)
                XCTAssertEqual(back.unet.keys.sorted(), unet.sorted())
                XCTAssertEqual(back.textEncoder.keys.sorted(), text.sorted())
            }
        }
    }

    func testOlderAndShorterNames() throws {
        let unet = "mid_block.attentions.0.transformer_blocks.0.attn1"
        let text = "text_model.encoder.layers.3.self_attn"
        for (name, module) in [
            ("unet.\(unet).to_q.lora_A.default.weight", "\(unet).to_q"),
            ("base_model.model.\(unet).to_q.lora_A.weight", "\(unet).to_q"),
            ("\(unet).processor.to_out_lora.down.weight", "\(unet).to_out.0"),
            ("\(unet).to_k.lora.down.weight", "\(unet).to_k"),
            ("text_encoder.\(text).to_out_lora.down.weight", "\(text).out_proj"),
            ("text_encoder.encoder.layers.3.self_attn.q_proj.lora_A.weight", "\(text).q_proj"),
            ("text_encoder.\(text).k_proj.lora_linear_layer.down.weight", "\(text).k_proj"),
            ("base_model.model.\(text).q_proj.lora_A.weight", "\(text).q_proj"),
            ("lora_te1_text_model_encoder_layers_3_self_attn_v_proj.lora_down.weight", "\(text).v_proj"),
        ] {
            let upName = name.replacing("lora_A", with: "lora_B").replacing("down.weight", with: "up.weight")
            let file = try read([name: down, upName: up])
            XCTAssertEqual(Array(file.unet.keys) + file.textEncoder.keys, [module], name)
        }
    }

    func testAlpha() throws {
        let (a, b) = ("unet.x.to_q.lora_A.weight", "unet.x.to_q.lora_B.weight")
        func scale(_ alpha: Tensor?, _ metadata: String? = nil) throws -> Double? {
            var tensors = ["unet.x.to_q.lora_A.weight": down, b: up]
            tensors["unet.x.to_q.alpha"] = alpha
            let header = metadata.map { ["lora_adapter_metadata": $0] } ?? [:]
            return try read(tensors, metadata: header).unet["x.to_q"]?.scale
        }
        XCTAssertEqual(try scale(nil), 1)
        XCTAssertEqual(try scale(Tensor([Float(3)], shape: [])), 3)
        XCTAssertEqual(try scale(Tensor([Float(0)], shape: [])), 1)
        XCTAssertEqual(try scale(Tensor([Float(3)], shape: [1]).cast(to: .bfloat16)), 3)
        // Metadata goes before tensors, and patterns before its default.
        XCTAssertEqual(try scale(Tensor([Float(3)], shape: []), #"{"unet.lora_alpha": 7, "unet.r": 1}"#), 7)
        XCTAssertEqual(try scale(nil, #"{"lora_alpha": 7, "alpha_pattern": {"to_q": 2.5}}"#), 2.5)
        XCTAssertEqual(try scale(nil, #"{"unet.lora_alpha": 7, "unet.alpha_pattern": {"^to_q": 2}}"#), 7)
        XCTAssertEqual(try scale(nil, #"{"unet.lora_alpha": 7, "unet.alpha_pattern": {"x.*_q$": 2}}"#), 2)
        // Of another network, so that it says nothing here.
        XCTAssertEqual(try scale(nil, #"{"text_encoder.lora_alpha": 7}"#), 1)
        for (metadata, message) in [
            ("[", "lora_adapter_metadata: not a JSON object"),
            (#"{"unet.r": 1}"#, "lora_adapter_metadata: unet has no usable r, lora_alpha"),
            (#"{"unet.lora_alpha": 1, "unet.r": 2}"#, "x.to_q has LoRA rank 1, lora_adapter_metadata says 2"),
            (#"{"unet.lora_alpha": 1, "unet.use_dora": true}"#, "a DoRA adapter"),
            (#"{"unet.lora_alpha": 1, "unet.alpha_pattern": {"(a+)+": 1}}"#, #"the pattern "(a+)+""#),
        ] {
            assertRefused([a: down, b: up], metadata: ["lora_adapter_metadata": metadata], message)
        }
    }

    func testRefusesWhatIsNoPlainLoRA() {
        let pair = ["unet.to_q.lora_A.weight": down, "unet.to_q.lora_B.weight": up]
        for (name, message) in [
            ("unet.to_q.lora_magnitude_vector", "a DoRA adapter; 1 tensors are not"),
            ("lora_unet_conv_in.hada_w1_a", "a LoHa adapter"),
            ("lora_unet_conv_in.lokr_w1", "a LoKr adapter"),
            ("lora_unet_conv_in.lora_mid.weight", "LoCon with Tucker"),
            ("lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight", "an SDXL LoRA adapter"),
            ("lora_unet_input_blocks_1_1_proj_in.lora_down.weight", "LDM's block names"),
            ("unet.conv_in.weight", "1 tensors are not of a LoRA"),
            ("lora_A.weight", "1 tensors are not of a LoRA"),
        ] {
            assertRefused(pair.merging([name: down]) { $1 }, message)
        }
        assertRefused([:], "it holds no LoRA tensors")
        assertRefused(["unet.to_q.lora_A.weight": down], "unet to_q: B is missing")
        assertRefused(["unet.to_q.lora_B.weight": up], "unet to_q: A is missing")
        assertRefused(
            pair.merging(["unet.to_q.lora.down.weight": down]) { $1 }, "to_q has such a tensor already")
        for (a, b) in [([2, 2], [2, 1]), ([1, 2], [2, 1, 1, 1]), ([1], [1]), ([0, 2], [2, 0])] {
            assertRefused(
                [
                    "unet.to_q.lora_A.weight": Tensor.zeros(Shape(a)),
                    "unet.to_q.lora_B.weight": Tensor.zeros(Shape(b)),
                ], "do not form a product")
        }
        assertRefused(
            [
                "unet.to_q.lora_A.weight": Tensor([Float.nan, 1], shape: [1, 2]),
                "unet.to_q.lora_B.weight": up,
            ],
            "numbers that are not finite")
        assertRefused(pair.merging(["unet.to_q.alpha": down]) { $1 }, "expected one number")
    }
}
