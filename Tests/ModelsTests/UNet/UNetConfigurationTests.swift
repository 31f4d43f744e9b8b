import Layers
import Models
import TestSupport
import WeightFiles
import XCTest

final class UNetConfigurationTests: XCTestCase {
    /// The file of Stable Diffusion 1.5, whose count of parameters is known.
    func testStableDiffusion1() throws {
        let configuration = try UNetConfiguration.of(
            json: """
                {"_class_name": "UNet2DConditionModel", "_diffusers_version": "0.6.0", "act_fn": "silu",
                 "attention_head_dim": 8, "block_out_channels": [320, 640, 1280, 1280],
                 "center_input_sample": false, "cross_attention_dim": 768, "downsample_padding": 1,
                 "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D",
                                      "DownBlock2D"],
                 "flip_sin_to_cos": true, "freq_shift": 0, "in_channels": 4, "layers_per_block": 2,
                 "mid_block_scale_factor": 1, "norm_eps": 1e-05, "norm_num_groups": 32, "out_channels": 4,
                 "sample_size": 64,
                 "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D",
                                    "CrossAttnUpBlock2D"]}
                """)
        XCTAssertEqual(configuration, .stableDiffusion1)
        let declared = ParameterSource.declarations { UNet2DConditionModel($0, configuration) }
        XCTAssertEqual(declared.count, 686)
        XCTAssertEqual(declared.reduce(0) { $0 + $1.shape.elementCount }, 859_520_964)
    }

    /// diffusers' defaults stand for what a file leaves out.
    func testDefaults() throws {
        var expected = UNetConfiguration.stableDiffusion1
        for index in expected.levels.indices { expected.levels[index].context = 1280 }
        XCTAssertEqual(try UNetConfiguration.of(json: "{}"), expected)
    }

    func testWhatItHasNotIsRefusedByName() {
        for (key, value, shown) in [
            ("class_embed_type", "\"timestep\"", "\"timestep\""), ("num_class_embeds", "10", "10"),
            ("time_cond_proj_dim", "256", "256"), ("addition_embed_type", "\"text_time\"", "\"text_time\""),
            ("encoder_hid_dim", "768", "768"),
            ("resnet_time_scale_shift", "\"scale_shift\"", "\"scale_shift\""),
            ("act_fn", "\"gelu\"", "\"gelu\""), ("downsample_padding", "0", "0"),
            ("num_attention_heads", "8", "8"), ("dual_cross_attention", "true", "true"),
            ("mid_block_type", "\"UNetMidBlock2D\"", "\"UNetMidBlock2D\""),
            ("_class_name", "\"UNet2DModel\"", "\"UNet2DModel\""),
            ("reverse_transformer_layers_per_block", "[1, 2]", "a list or an object"),
            ("learned_sigma", "null", "null"),
        ] {
            assertRefused("{\"\(key)\": \(value)}", "\(key) is \(shown)")
        }
        assertRefused(
            "{\"down_block_types\": [\"AttnDownBlock2D\"]}", "down_block_types is \"AttnDownBlock2D\"")
    }

    func testWhatDoesNotFitTogetherIsRefusedByName() {
        for (json, message) in [
            ("{\"block_out_channels\": []}", "block_out_channels: 0 levels, expected 1 to 16"),
            (
                "{\"block_out_channels\": [1099511627776, 640, 1280, 1280]}",
                "block_out_channels: expected widths in 1...16777216"
            ),
            ("{\"block_out_channels\": [320, 640]}", "down_block_types: 4 blocks down and 4 up for 2 widths"),
            ("{\"layers_per_block\": [1, 2]}", "layers_per_block: expected one value or 4, got [1, 2]"),
            ("{\"layers_per_block\": 0}", "layers_per_block: expected numbers in 1...64, got [0, 0, 0, 0]"),
            ("{\"layers_per_block\": 1000000000}", "layers_per_block: expected numbers in 1...64"),
            ("{\"transformer_layers_per_block\": 65}", "transformer_layers_per_block: expected numbers"),
            ("{\"layers_per_block\": \"two\"}", "layers_per_block: "),
            ("{\"norm_num_groups\": 48}", "norm_num_groups: 320 channels do not fall into 48 groups"),
            ("{\"norm_num_groups\": null}", "norm_num_groups: "),
            ("{\"norm_eps\": -1}", "norm_eps: expected a positive number"),
            ("{\"freq_shift\": 160}", "freq_shift: expected less than 160"),
            ("{\"attention_head_dim\": 7}", "attention_head_dim: 320 channels do not fall into 7 heads"),
            ("{\"conv_in_kernel\": 2}", "conv_in_kernel: expected an odd kernel up to 63, got 2"),
            ("{\"conv_out_kernel\": 1000001}", "conv_out_kernel: expected an odd kernel up to 63"),
            ("{\"in_channels\": -4}", "in_channels: expected numbers in 1...16777216, got [-4]"),
        ] {
            assertRefused(json, message)
        }
    }

    private func assertRefused(
        _ json: String, _ expected: String, file: StaticString = #filePath, line: UInt = #line
    ) {
        XCTAssertThrowsError(try UNetConfiguration.of(json: json), json, file: file, line: line) { error in
            XCTAssertTrue(error is ModelFilesError, "\(error)", file: file, line: line)
            XCTAssertTrue("\(error)".contains(expected), "\(error)", file: file, line: line)
        }
    }
}
