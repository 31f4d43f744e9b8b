import Foundation
import Layers
import Models
import Rewards
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// The checkpoints of HPS v2 and MPS: their layouts, their sizes, and what is refused in their place.
final class PreferenceFilesTests: XCTestCase {
    private static let checkpoint = "HPS_v2.1_compressed.pt"

    /// A copy of a fixture, for `body` to change.
    private func withCopy<Result>(of name: String, _ body: (URL) throws -> Result) throws -> Result {
        try withTemporaryDirectory { directory in
            let copy = directory.appendingPathComponent(name)
            try FileManager.default.copyItem(at: try fixture(name), to: copy)
            return try body(copy)
        }
    }

    private func remove(_ name: String, in directory: URL) throws {
        try FileManager.default.removeItem(at: directory.appendingPathComponent(name))
    }

    /// The error of loading a reward from `directory`.
    private func refusal(
        _ reward: String, _ directory: URL, file: StaticString = #filePath, line: UInt = #line
    ) -> String {
        do {
            _ = try ImageRewards.entry(named: reward).load(weights: directory.path)
            XCTFail("nothing was refused", file: file, line: line)
            return ""
        } catch {
            return "\(error)".replacingOccurrences(of: directory.path, with: directory.lastPathComponent)
        }
    }

    /// The tensors of the checkpoint of HPS in open_clip's names.
    private func openCLIP() throws -> [String: Tensor] {
        let archive = try TorchArchive(path: fixture("hps/\(Self.checkpoint)").path)
        return Dictionary(
            uniqueKeysWithValues: archive.tensors.map {
                (String($0.key.dropFirst("state_dict.".count)), $0.value)
            })
    }

    /// Puts imscore's file in the place of the checkpoint.
    private func write(_ tensors: [String: Tensor], to directory: URL) throws {
        try remove(Self.checkpoint, in: directory)
        try SafetensorsFile.write(
            Dictionary(uniqueKeysWithValues: tensors.map { ("model.\($0.key)", $0.value) }),
            to: directory.appendingPathComponent("model.safetensors").path)
    }

    func testHPSReadsBothOfItsLayouts() throws {
        try withCopy(of: "hps") { copy in
            let entry = try ImageRewards.entry(named: "hps-v2")
            let published = try entry.load(weights: copy.path)
            try write(openCLIP(), to: copy)
            let imscores = try entry.load(weights: copy.path)
            let images = randomTensor([2, 12, 20, 3], in: 0...1, seed: 4)
            let prompts = ["a fox", "two birds"]
            assertIdentical(try imscores(images, prompts: prompts), try published(images, prompts: prompts))
        }
    }

    func testOpenCLIPsNamesAreABijectionOntoTheModel() throws {
        let directory = try ComponentDirectory(path: fixture("hps").path)
        let configuration = try CLIPConfiguration.read(directory, otherwise: .vitH14)
        let names = ParameterSource.declarations { CLIPModel($0, configuration) }.map(\.name)
        let places = names.map { OpenCLIPPlace(of: $0) }
        XCTAssertEqual(Set(places.map(\.name)), Set(try openCLIP().keys))
        XCTAssertEqual(Set(places.map { "\($0.name) \($0.part)" }).count, names.count)
    }

    /// Counted on the published models.
    func testSizesAreThePublishedOnes() {
        func count(_ arrays: [(name: String, shape: Shape)]) -> Int {
            arrays.map(\.shape.elementCount).reduce(0, +)
        }
        let clip = count(ParameterSource.declarations { CLIPModel($0, .vitH14) })
        XCTAssertEqual(clip, 986_109_441)
        let whole = count(
            ParameterSource.declarations { MPSModel($0, .vitH14, CrossModelConfiguration(width: 1024)) })
        XCTAssertEqual(whole - clip, 118_505_600)
    }

    func testThinPicturesAreShownWhole() throws {
        let reward = try ImageRewards.entry(named: "hps-v2").load(weights: fixture("hps").path)
        let images = randomTensor([1, 1, 70, 3], in: 0...1, seed: 5).tracked()
        let values = try reward(images, prompts: ["a fox"])
        let gradient = try XCTUnwrap(gradients(of: values.sum())[images])
        XCTAssertTrue((values.floats + gradient.floats).allSatisfy(\.isFinite))
        XCTAssertTrue(gradient.floats.allSatisfy { $0 != 0 }, "a pixel does not count")
    }

    func testHPSWithoutItsCheckpointIsRefused() throws {
        try withCopy(of: "hps") { copy in
            try Data().write(to: copy.appendingPathComponent("model.safetensors"))
            XCTAssertEqual(
                refusal("hps-v2", copy),
                "hps: a single .pt or .safetensors file is missing. There are \(Self.checkpoint), model.safetensors."
            )
            try remove(Self.checkpoint, in: copy)
            try remove("model.safetensors", in: copy)
            XCTAssertEqual(
                refusal("hps-v2", copy),
                "hps: the checkpoint is missing. Put HPS_v2.1_compressed.pt, or imscore's model.safetensors, "
                    + "beside CLIP's tokenizer.")
        }
    }

    func testAllThatIsWrongWithACheckpointIsNamedAtOnce() throws {
        try withCopy(of: "hps") { copy in
            var tensors = try openCLIP()
            tensors["visual.projection"] = tensors.removeValue(forKey: "visual.proj")
            tensors["ln_final.bias"] = Tensor.zeros([3])
            tensors["transformer.resblocks.1.attn.in_proj_weight"] = nil
            try write(tensors, to: copy)
            XCTAssertEqual(
                refusal("hps-v2", copy),
                "hps/model.safetensors: the tensors do not fit the model: 2 missing: "
                    + "visual.proj, transformer.resblocks.1.attn.in_proj_weight; 1 unexpected: visual.projection; "
                    + "1 of another shape: ln_final.bias (expected [16], found [3]). "
                    + "Check that the file and config.json are of the same model.")
        }
    }

    /// Where no `config.json` says otherwise, a checkpoint is of ViT-H/14.
    func testStandardSizesAreThoseOfViTH14() throws {
        for reward in ["hps-v2", "mps"] {
            try withCopy(of: reward == "mps" ? "mps" : "hps") { copy in
                try remove("config.json", in: copy)
                let message = refusal(reward, copy)
                XCTAssertTrue(message.contains(" missing: "), message)
                XCTAssertTrue(message.contains("class_embedding (expected [1280], found [24])"), message)
            }
        }
    }

    func testACLIPIsNoMPS() throws {
        let message = refusal("mps", try fixture("clip"))
        XCTAssertTrue(message.contains("missing: mps.model."), message)
        XCTAssertTrue(message.contains("unexpected: logit_scale, "), message)
        try withCopy(of: "mps") { copy in
            let path = copy.appendingPathComponent("model.safetensors").path
            let file = try SafetensorsFile(path: path)
            let kept = file.entries.map(\.name).filter { !$0.contains("cross_model.layers.0.") }
            let tensors = try kept.map { ($0, try file.tensor($0, copying: true)) }
            try SafetensorsFile.write(Dictionary(uniqueKeysWithValues: tensors), to: path)
            let message = refusal("mps", copy)
            XCTAssertTrue(
                message.contains("missing: mps.cross_model.layers.0.0.fn.norm.weight, "), message)
        }
    }
}
