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
        // The first pattern of the file that fits.
        for (patterns, expected) in [
            (#"{"to_q": 2, "x.to_q": 3, ".*": 4}"#, 2), (#"{"x.to_q": 3, "to_q": 2}"#, 3),
            (#"{".*": 4, "to_q": 2}"#, 4),
        ] as [(String, Double)] {
            XCTAssertEqual(
                try scale(
                    nil, #"{"r": 1, "lora_alpha": 7, "rank_pattern": {}, "alpha_pattern": \#(patterns)}"#),
                expected)
        }
        // Of another network, so that it says nothing here.
        XCTAssertEqual(try scale(nil, #"{"text_encoder.lora_alpha": 7}"#), 1)
        for (metadata, message) in [
            ("[", "lora_adapter_metadata: not a JSON object"),
            (#"{"unet.r": 1}"#, "lora_adapter_metadata: unet has no usable r, lora_alpha"),
            (#"{"unet.lora_alpha": 1, "unet.r": 2}"#, "x.to_q has LoRA rank 1, lora_adapter_metadata says 2"),
            (#"{"unet.lora_alpha": 1, "unet.use_dora": true}"#, "a DoRA adapter"),
            (#"{"unet.lora_alpha": 1, "unet.alpha_pattern": {"(?=a)": 1}}"#, #"the pattern "(?=a)""#),
            (#"{"lora_alpha": 1, "peft_type": "LOHA"}"#, "peft_type is LOHA"),
        ] {
            assertRefused([a: down, b: up], metadata: ["lora_adapter_metadata": metadata], message)
        }
    }

    /// What Python's `re.match(rf"(.*\.)?({pattern})$", path)` says.
    func testPatterns() {
        let path = "down_blocks.1.attentions.0.attn1.to_q"
        for (pattern, fits) in [
            ("to_q", true), ("to_k", false), ("o_q", false), ("attn1.to_q", true),
            ("^down_blocks.*to_q$", true),
            ("^to_q", false), ("to_[qk]", true), ("to_[^qk]", false), ("to_(q|k|v)", true),
            ("(?:to_k|to_q)", true),
            ("to_k|to_q", true), (#"down_blocks\.\d+\.attentions\.[0-9]\.attn[12]\.to_\w"#, true),
            ("attn1?.to_q", true), ("attn12?.to_q", true), ("attn1x?2?.to_v?q?", true),
            (#"(down|up)_blocks\.(0|2)\..*"#, false), (#"(.*\.)+to_q"#, true), ("(t|to|_|q)+?", true),
            ("", false),
        ] {
            XCTAssertEqual(ModulePattern(pattern)?.matches(endOf: path), fits, pattern)
        }
        for pattern in [
            "(", ")", "a)", "[a", "[]", "[z-a]", "a{2}", "*a", "a**", #"\b"#, #"a\"#, "(?=a)", "a^b", "a$b",
            "^a|b",
        ] {
            XCTAssertNil(ModulePattern(pattern), pattern)
        }
        XCTAssertNil(ModulePattern(String(repeating: "(", count: 100_000)))
        // Would take a backtracking matcher for ever.
        let long = String(repeating: "a", count: 2000)
        XCTAssertEqual(ModulePattern("((a+)+)+b")?.matches(endOf: long), false)
        XCTAssertEqual(ModulePattern("((a|a)*)*")?.matches(endOf: long), true)
    }

    /// A directory as PEFT's `save_pretrained` leaves it, with this configuration.
    private func withDirectory(_ configuration: String, _ body: (String) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let name = "base_model.model.x.to_q"
            try SafetensorsFile.write(
                ["\(name).lora_A.weight": down, "\(name).lora_B.weight": up],
                to: "\(directory.path)/adapter_model.safetensors")
            try Data(configuration.utf8).write(to: directory.appendingPathComponent("adapter_config.json"))
            try body(directory.path)
        }
    }

    func testReadsDirectories() throws {
        for (configuration, scale) in [
            (#"{"peft_type": "LORA", "r": 1, "lora_alpha": 6, "alpha_pattern": {}, "bias": "none"}"#, 6),
            (#"{"r": 1, "lora_alpha": 6, "init_lora_weights": "gaussian"}"#, 6),
            (#"{"r": 1, "lora_alpha": 6, "init_lora_weights": true}"#, 6),
            (
                #"{"r": 4, "rank_pattern": {"to_(q|k)": 1}, "lora_alpha": 6, "alpha_pattern": {"x.to_q": 2}}"#,
                2
            ),
        ] as [(String, Double)] {
            try withDirectory(configuration) { path in
                for place in [path, "\(path)/adapter_model.safetensors"] {
                    XCTAssertEqual(try LoRAFile(path: place).unet["x.to_q"]?.scale, scale, configuration)
                }
                // It is PEFT's file that the configuration is of.
                let other = "\(path)/pytorch_lora_weights.safetensors"
                try FileManager.default.moveItem(atPath: "\(path)/adapter_model.safetensors", toPath: other)
                for place in [path, other] {
                    XCTAssertEqual(try LoRAFile(path: place).unet["x.to_q"]?.scale, 1)
                }
            }
        }
    }

    func testRefusesDirectoriesThatSayOtherThings() throws {
        for (configuration, message) in [
            ("[", "adapter_config.json: LoraConfig: not a JSON object"),
            (#"{"r": 2, "lora_alpha": 6}"#, "x.to_q has LoRA rank 1, LoraConfig says 2"),
            (#"{"r": 1, "lora_alpha": 6, "peft_type": "IA3"}"#, "peft_type is IA3"),
            (#"{"r": 1}"#, "has no usable r, lora_alpha"),
            (
                #"{"r": 1, "lora_alpha": 6, "init_lora_weights": "pissa_niter_4"}"#,
                "init_lora_weights is pissa_niter_4, which changes the base model too"
            ),
        ] {
            try withDirectory(configuration) { path in
                XCTAssertThrowsError(try LoRAFile(path: path)) { error in
                    XCTAssertTrue("\(error)".contains(message), "\(error)")
                }
            }
        }
        try withTemporaryDirectory { directory in
            XCTAssertThrowsError(try LoRAFile(path: directory.path)) { error in
                XCTAssertTrue("\(error)".contains("Expected adapter_model.safetensors or"), "\(error)")
            }
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
