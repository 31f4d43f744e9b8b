import Foundation
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// `saddle sample` on a diffusers directory, against diffusers, whose answers `pipelines.py` wrote.
final class ImageTests: CommandTestCase {
    private static let prompts = ["a photo of a cat riding a horse", "oil painting of a café, 4k"]

    private func sample(_ arguments: String..., output: String = "out") throws -> CommandResult {
        try workspace.saddle(["sample", "--output", workspace.at(output)] + arguments)
    }

    private func tensor(_ name: String, _ file: String) throws -> Tensor {
        try SafetensorsFile(path: workspace.at(file)).tensor(name)
    }

    func testSamplesAsDiffusersWithAdaptersAndGivenNoise() throws {
        let model = try workspace.copyModel()
        let result = try sample(
            "--model", model, "--prompt", Self.prompts[0], Self.prompts[1], "--negative-prompt", "blurry",
            "--adapter", "\(model)/first.safetensors=0.5", "--adapter", "\(model)/text.safetensors=-0.7",
            "--steps", "6", "--guidance", "5", "--eta", "1",
            "--initial-latents", "\(model)/latents.safetensors", "--step-noise", "\(model)/noise.safetensors",
            "--save-latents", workspace.at("saved.safetensors"))
        XCTAssertEqual(result.exitCode, 0, result.standardError)
        let paths = (0..<2).map { workspace.at("out/image-000\($0).png") }
        XCTAssertEqual(result.standardOutput, paths.map { $0 + "\n" }.joined())
        XCTAssertTrue(result.standardError.contains("sampling: 12/12"), result.standardError)
        for (name, tolerance) in [
            ("text_embeddings", 1e-5), ("epsilon_uncond", 2e-5), ("epsilon_cond", 2e-5), ("latents", 1e-4),
            ("images", 1e-4),
        ] {
            let expected = try tensor(name, "model/expected.safetensors")
            assertWithin(tolerance, try tensor(name, "saved.safetensors"), expected, name)
        }
        for (path, prompt) in zip(paths, Self.prompts) {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            for text in ["prompt\0\(prompt)", "seed\00", "guidance\05.0", "adapters\0\(model)/first"] {
                // The é is one byte in Latin-1.
                let data = try XCTUnwrap(text.data(using: .isoLatin1))
                XCTAssertNotNil(bytes.range(of: data), "\(path): \(text)")
            }
        }
    }

    func testAnImageDependsOnItsIndexAlone() throws {
        let model = try workspace.copyModel()
        for (count, name) in [("3", "many"), ("1", "few")] {
            let result = try sample(
                "--model", model, "--prompt", "x", "--count", count, "--steps", "2", "--eta", "0.5",
                "--seed", "9", "--save-latents", workspace.at(name), output: name + "-out")
            XCTAssertEqual(result.exitCode, 0, result.standardError)
        }
        let many = try tensor("latents", "many")
        XCTAssertEqual(many.shape, [3, 4, 8, 8])
        assertIdentical(try tensor("latents", "few"), many.slice(0..<1))
        XCTAssertNotEqual(many.slice(0..<1).floats, many.slice(1..<2).floats)
    }

    func testNotesWhatWasCutFromALongPrompt() throws {
        let model = try workspace.copyModel()
        let long = Array(repeating: "photo", count: 75).joined(separator: " ")
        for (prompt, note) in [
            (long, nil),
            (long + " and a fox", "77 tokens and the text encoder reads 75: \"and a fox\" is cut off"),
        ] {
            let result = try sample("--model", model, "--prompt", prompt, "--steps", "1")
            XCTAssertEqual(result.exitCode, 0, result.standardError)
            XCTAssertEqual(result.standardError.contains("is cut off"), note != nil, result.standardError)
        }
    }

    func testSizesComeFromOptionsLatentsOrTheModel() throws {
        let model = try workspace.copyModel()
        let given = "\(model)/latents.safetensors"
        for (arguments, shape) in [
            ([], [1, 3, 16, 16]), (["--height", "24", "--width", "12"], [1, 3, 24, 12]),
            (["--prompt", "y", "z", "--initial-latents", given], [2, 3, 16, 24]),
        ] as [([String], [Int])] {
            let result = try workspace.saddle(
                [
                    "sample", "--model", model, "--output", "out", "--steps", "1", "--save-latents", "saved",
                    "--dtype", "bf16", "--guidance", "1",
                ] + (arguments.contains("--prompt") ? [] : ["--prompt", "x"]) + arguments)
            XCTAssertEqual(result.exitCode, 0, result.standardError)
            XCTAssertEqual(try tensor("images", "saved").shape, Shape(shape))
        }
    }

    func testSaysWhatIsWrong() throws {
        let model = try workspace.copyModel()
        let latents = "\(model)/latents.safetensors"
        let cases: [(arguments: [String], code: Int32, words: [String])] = [
            ([], 64, ["--prompt is missing"]),
            (["--prompt", "x", "--height", "15"], 64, ["--height is 15, must be a multiple of 2"]),
            (["--prompt", "x", "--width", "0"], 64, ["--width is 0"]),
            (["--prompt", "x", "--guidance", "0.5"], 64, ["--guidance is 0.5, must be at least 1"]),
            (["--prompt", "x", "--eta", "2"], 64, ["--eta is 2.0"]),
            (["--prompt", "x", "--steps", "0"], 64, ["--steps is 0"]),
            (["--prompt", "x", "--steps", "1001"], 64, ["--steps is 1001", "1000 timesteps"]),
            (["--prompt", "x", "--dtype", "f64"], 64, ["--dtype is f64, must be f32 or bf16"]),
            (["--prompt", "x", "--initial-latents", latents], 65, ["[2, 4, 8, 12]", "1 images", "--count"]),
            (["--prompt", "x", "--initial-latents", "no"], 66, ["no: cannot read"]),
            (
                ["--prompt", "x", "y", "--initial-latents", latents, "--height", "32"], 64,
                ["24x16", "24x32"]
            ),
            (
                ["--prompt", "x", "--step-noise", "\(model)/noise.safetensors", "--steps", "6"], 65,
                ["noise has shape"]
            ),
            (["--prompt", "x", "--adapter", "none=2"], 66, ["none: cannot read"]),
            (
                ["--prompt", "x", "--adapter", "none=nan"], 64,
                ["none=nan has a weight that is no finite number"]
            ),
            (["--prompt", "x", "--adapter", latents], 65, [latents]),
        ]
        for (arguments, code, words) in cases {
            let result = try workspace.saddle(["sample", "--model", model, "--output", "out"] + arguments)
            XCTAssertEqual(result.exitCode, code, "\(arguments): \(result.standardError)")
            for word in words { XCTAssertTrue(result.standardError.contains(word), result.standardError) }
            XCTAssertEqual(result.standardOutput, "")
        }
    }

    func testConfigurationsThatMakeNoModelAreNamed() throws {
        let model = try workspace.copyModel()
        for (file, key, value, words) in [
            ("scheduler/scheduler_config", "num_train_timesteps", 1 << 40, "must lie in 1...1048576"),
            ("scheduler/scheduler_config", "steps_offset", 2000, "steps_offset is 2000"),
            (
                "scheduler/scheduler_config", "timestep_spacing", "even",
                "must be one of leading, trailing, linspace"
            ),
            ("unet/config", "sample_size", 1 << 61, "sample_size is 2305843009213693952"),
            ("unet/config", "sample_size", -3, "sample_size is -3"),
            ("text_encoder/config", "model_type", "bert", "Saddle has clip_text_model and clip"),
            ("text_encoder/config", "hidden_act", "relu", "Saddle has quick_gelu and gelu"),
            ("vae/config", "patch_size", 2, "patch_size is no key of an AutoencoderKL"),
        ] as [(String, String, Any, String)] {
            let path = "\(model)/\(file).json"
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            var members = try XCTUnwrap(JSONSerialization.jsonObject(with: whole) as? [String: Any])
            members[key] = value
            try JSONSerialization.data(withJSONObject: members).write(to: URL(fileURLWithPath: path))
            let result = try sample("--model", model, "--prompt", "x", "--steps", "1")
            XCTAssertEqual(result.exitCode, 65, "\(key): \(result.standardError)")
            XCTAssertTrue(result.standardError.contains("\(path): "), result.standardError)
            XCTAssertTrue(result.standardError.contains(words), result.standardError)
            try whole.write(to: URL(fileURLWithPath: path))
        }
        let path = "\(model)/scheduler/scheduler_config.json"
        try FileManager.default.removeItem(atPath: path)
        let result = try sample("--model", model, "--prompt", "x", "--steps", "1")
        XCTAssertEqual(result.exitCode, 66, result.standardError)
        XCTAssertTrue(result.standardError.contains("\(path): cannot read"), result.standardError)
    }

    func testOutOfMemoryIsSaid() throws {
        let model = try workspace.copyModel()
        let binary = Subprocess.productsDirectory.appendingPathComponent("saddle").path
        let command = "ulimit -v 2000000; '\(binary)' sample --model '\(model)' --prompt x --steps 1"
        let result = try Subprocess.run(
            "/bin/bash", ["-c", "\(command) --height 8192 --width 8192 --output out"],
            environment: workspace.environment, directory: URL(fileURLWithPath: workspace.path))
        XCTAssertEqual(result.exitCode, 70, result.standardError)
        XCTAssertTrue(
            result.standardError.contains("saddle: error: out of memory: asked for "), result.standardError)
    }

    func testAPlaceThatCannotBeWrittenIsFoundBeforeSampling() throws {
        let model = try workspace.copyModel()
        let result = try sample(
            "--model", model, "--prompt", "x", "--save-latents", "\(model)/model_index.json/x.safetensors")
        XCTAssertEqual(result.exitCode, 73, result.standardError)
        XCTAssertFalse(result.standardError.contains("sampling"), result.standardError)
    }

    func testModelsThatAreDamagedAreNamed() throws {
        let model = try workspace.copyModel()
        let index = "\(model)/model_index.json"
        let whole = try String(contentsOfFile: index, encoding: .utf8)
        func check(_ code: Int32, _ words: String, file: StaticString = #filePath, line: UInt = #line) throws
        {
            let result = try sample("--model", model, "--prompt", "x", "--steps", "1")
            XCTAssertEqual(result.exitCode, code, result.standardError, file: file, line: line)
            XCTAssertTrue(result.standardError.contains(words), result.standardError, file: file, line: line)
        }
        try whole.replacingOccurrences(of: "DDIMScheduler", with: "FlowMatchEulerDiscreteScheduler")
            .write(toFile: index, atomically: false, encoding: .utf8)
        try check(65, "component scheduler is a FlowMatchEulerDiscreteScheduler, which is not supported")
        try whole.replacingOccurrences(of: "DDIMScheduler", with: "PNDMScheduler")
            .write(toFile: index, atomically: false, encoding: .utf8)
        try check(0, "note: the model's scheduler is PNDMScheduler; sampling uses DDIM")
        try FileManager.default.removeItem(atPath: "\(model)/vae")
        try check(66, "\(model)/vae: the component's directory is missing")
        try FileManager.default.removeItem(atPath: index)
        try check(66, "model_index.json is missing")
    }
}
