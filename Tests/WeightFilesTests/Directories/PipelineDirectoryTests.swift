import TestSupport
import WeightFiles
import XCTest

/// `model_index.json` and what it lists.
final class PipelineDirectoryTests: XCTestCase {
    private static let index = """
        {
          "_class_name": "StableDiffusionPipeline",
          "_diffusers_version": "0.42.1",
          "_name_or_path": "some/where",
          "feature_extractor": [null, null],
          "requires_safety_checker": true,
          "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
          "image_encoder": [null, null],
          "scheduler": ["diffusers", "DDIMScheduler"],
          "text_encoder": ["transformers", "CLIPTextModel"],
          "tokenizer": ["transformers", "CLIPTokenizer"],
          "unet": ["diffusers", "UNet2DConditionModel"],
          "vae": ["diffusers", "AutoencoderKL"]
        }
        """

    func testListsThePresentComponents() throws {
        try withModelFolder { folder in
            try folder.write(Self.index, to: "model_index.json")
            try folder.write("{}", to: "unet/config.json")
            let pipeline = try PipelineDirectory(path: folder.path)
            XCTAssertEqual(pipeline.className, "StableDiffusionPipeline")
            XCTAssertEqual(
                pipeline.componentClasses,
                [
                    "safety_checker": "StableDiffusionSafetyChecker", "scheduler": "DDIMScheduler",
                    "text_encoder": "CLIPTextModel", "tokenizer": "CLIPTokenizer",
                    "unet": "UNet2DConditionModel", "vae": "AutoencoderKL",
                ])
            XCTAssertEqual(
                try pipeline.component("unet", classes: ["UNet2DConditionModel"]).path, folder.path + "/unet")
            assertFails(
                try pipeline.component("vae"),
                "\(folder.path)/vae: the component's directory is missing. Check the path.")
            assertFails(
                try pipeline.component("text_encoder", classes: ["CLIPTextModelWithProjection"]),
                "\(folder.path)/model_index.json: component text_encoder is a CLIPTextModel, which is not"
                    + " supported. Use a model with CLIPTextModelWithProjection.")
            assertFails(
                try pipeline.component("feature_extractor"),
                "\(folder.path)/model_index.json: component feature_extractor is missing. It lists"
                    + " safety_checker, scheduler, text_encoder, tokenizer, unet, vae.")
        }
    }

    func testRefusesOtherPipelines() throws {
        try withModelFolder { folder in
            let index = Self.index.replacing("StableDiffusionPipeline", with: "StableDiffusionXLPipeline")
            try folder.write(index, to: "model_index.json")
            assertFails(
                try PipelineDirectory(path: folder.path),
                "\(folder.path)/model_index.json: pipeline StableDiffusionXLPipeline is not supported. Use one of"
                    + " StableDiffusionImg2ImgPipeline, StableDiffusionPipeline.")
            XCTAssertNoThrow(
                try PipelineDirectory(path: folder.path, accepting: ["StableDiffusionXLPipeline"]))
        }
    }

    func testDirectoriesThatAreNone() throws {
        try withModelFolder { folder in
            assertFails(
                try PipelineDirectory(path: folder.path + "/nowhere"),
                "\(folder.path)/nowhere: the model directory is missing. Check the path.")
            assertFails(
                try PipelineDirectory(path: folder.path),
                "\(folder.path): model_index.json is missing. Expected a directory as diffusers'"
                    + " save_pretrained writes it.")
            try folder.write("{", to: "file")
            assertFails(
                try PipelineDirectory(path: folder.path + "/file"),
                "\(folder.path)/file: cannot read: it is not a directory. Check the path and its permissions."
            )
        }
    }

    func testIndexesThatAreNone() throws {
        for (text, reason) in [
            ("{", "not valid JSON"), ("", "not valid JSON"), ("{}", "_class_name: is missing"),
            (String(repeating: #"{"a":"#, count: 100_000), "not valid JSON"),
        ] {
            try withModelFolder { folder in
                try folder.write(text, to: "model_index.json")
                assertFails(
                    try PipelineDirectory(path: folder.path),
                    "\(folder.path)/model_index.json: \(reason). Correct it, or download or export the file again."
                )
            }
        }
    }
}
