import Foundation
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// What `saddle compose` refuses of text-to-image models.
final class ImageCompositionErrorTests: CommandTestCase {
    private func compose(
        _ arguments: String..., output: String = "run", yaml: String = CompositionDocuments.whole
    ) throws -> CommandResult {
        try workspace.run("compose", yaml: yaml, arguments, output: output, ranks: nil)
    }

    func testSaysWhatIsWrong() throws {
        try workspace.copyModel()
        try SafetensorsFile.write(
            [
                "unet.nowhere.to_q.lora_A.weight": .zeros([2, 8]),
                "unet.nowhere.to_q.lora_B.weight": .zeros([8, 2]),
            ], to: workspace.at("model/foreign.safetensors"))
        let cases: [(set: String, code: Int32, words: String)] = [
            ("adapters[1].file=model/foreign.safetensors", 65, "was trained on a base of this structure"),
            ("adapters[1].file=none.safetensors", 66, "there is no"),
            ("adapters[1].name=first", 78, "is the name of adapters[0] too"),
            ("adapters[1].name=base", 78, "is what tables call another model"),
            ("adapters=[]", 78, "from 2 to 64 members, found 0"),
            ("models=[{name: a, model: model}, {name: b, model: model}]", 78, "adapters or models, not both"),
            ("rewards[0].adapter=frist", 78, "did you mean `first`"),
            ("rewards[1].reward=pick-score", 78, "pick-score needs weights"),
            ("dual.initial=[0.5, 0.5, 0.5]", 78, "weights that sum to 1"),
            ("dual.initial=[0.5, 0.5]", 78, "expected one for each of the 3 members"),
            ("dual.window=1", 78, "integer from 2 to 512"),
            ("training.samples=7", 0, ""),
            ("training.micro_batch=4", 78, "is no multiple of training.micro_batch"),
            ("divergence.stride=4", 78, "is not below divergence.steps"),
            ("divergence.stride=3", 78, "evaluation.samples: 4 is no multiple of divergence.stride = 3"),
            ("divergence.steps=2000", 78, "divergence.steps is 2000"),
            ("divergence.noize=guided", 78, "did you mean `noise`"),
            ("kind=mixture", 78, "expected one of `product`"),
            ("ranks.shards=2", 78, "ranks.shards: 1 rank cannot form groups of 2"),
            ("distillation.targets=[nothing]", 78, "distillation.targets: no layer"),
            ("sampling.height=17", 78, "sampling.height is 17, must be a multiple of 2"),
        ]
        for (index, (set, code, words)) in cases.enumerated() {
            let result = try compose("--steps", "1", "--set", set, output: "bad-\(index)")
            XCTAssertEqual(result.exitCode, code, "\(set): \(result.standardError)")
            XCTAssertTrue(
                words.isEmpty || result.standardError.contains(words), "\(set): \(result.standardError)")
        }
    }

    func testSaysWhatIsWrongWithConcepts() throws {
        try workspace.copyModel()
        let concepts = try XCTUnwrap(CompositionDocuments.replayed["concepts"])
        for (set, words) in [
            ("prompts=[a cat, a cat]", "is prompts[0] too; concepts must differ"),
            ("prompts=[a cat]", "found 1"), ("prompts=[a cat, ' ']", "prompts[1]: is empty"),
            ("combine=weight", "`weight` adds up adapters"),
        ] {
            let result = try compose("--set", set, output: "concepts", yaml: concepts)
            XCTAssertEqual(result.exitCode, 78, "\(set): \(result.standardError)")
            XCTAssertTrue(result.standardError.contains(words), "\(set): \(result.standardError)")
        }
    }
}
