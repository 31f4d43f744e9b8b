import Foundation
import Rewards
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// Every image reward against its reference definition in PyTorch, whose answers `make_rewards.py` and
/// `make_preference.py` wrote.
final class ImageRewardsTests: XCTestCase {
    private static let prompts = [
        "wide": ["a red fox", "two birds"], "high": ["a fox and a blue bird on a very long branch"],
    ]

    /// Rewards with files of their own.
    private static let directories = ["hps-v2": "hps", "mps": "mps"]

    private func reference(_ name: String) throws -> Tensor {
        let isOwn = Self.directories.keys.contains { name.contains(".\($0)") }
        let file = isOwn ? "preference.safetensors" : "rewards.safetensors"
        return try SafetensorsFile(path: try fixture(file).path).tensor(name)
    }

    private func reward(_ entry: ImageRewardEntry, as dtype: DType? = .float32) throws -> any ImageReward {
        let directory = Self.directories[entry.name] ?? "clip"
        return try entry.load(weights: entry.weights == nil ? nil : try fixture(directory).path, as: dtype)
    }

    func testValuesAndGradientsAreThoseOfTheReferences() throws {
        for entry in ImageRewards.all {
            let reward = try reward(entry)
            XCTAssertEqual(reward.name, entry.name)
            for (name, prompts) in Self.prompts {
                let label = "\(entry.name), \(name)"
                let images = try reference("\(name).images").tracked()
                let values = try reward(images, prompts: prompts)
                let expected = try reference("\(name).\(entry.name)")
                assertClose(values, expected, absolute: 1e-6, relative: 3e-6, label)
                let isLow = entry.name.hasSuffix("-low")
                let gradientName = isLow ? entry.name.dropLast(3) + "high" : entry.name[...]
                let gradient = try reference("\(name).\(gradientName).gradient")
                let found = try XCTUnwrap(gradients(of: values.sum())[images])
                assertWithin(1e-5, found, isLow ? -gradient : gradient, label)
            }
        }
    }

    func testNarrowWeightsGiveTheSameScores() throws {
        for name in ["aesthetic", "clip-score", "hps-v2", "mps"] {
            // The file holds f16.
            let entry = try ImageRewards.entry(named: name)
            let (wide, narrow) = (try reward(entry), try reward(entry, as: nil))
            let images = try reference("wide.images")
            let prompts = Self.prompts["wide"] ?? []
            assertClose(
                try narrow(images, prompts: prompts), try wide(images, prompts: prompts), absolute: 1e-5,
                relative: 1e-5, name)
        }
    }

    func testFeaturesOfAPromptDoNotDependOnItsNeighbours() throws {
        for entry in ImageRewards.all where entry.readsPrompts {
            let reward = try reward(entry)
            let images = try reference("wide.images")
            let together = try reward(images, prompts: ["a fox", "two birds"])
            let again = try reward(images, prompts: ["a fox", "two birds"])
            let swapped = try reward(images, prompts: ["two birds", "a fox"])
            assertIdentical(together, again, entry.name)
            XCTAssertNotEqual(together.floats, swapped.floats, entry.name)
            let fresh = try self.reward(entry)
            _ = try fresh(images, prompts: ["two birds", "a fox"])
            assertIdentical(try fresh(images, prompts: ["a fox", "two birds"]), together, entry.name)
        }
    }

    /// Pictures that clamping leaves all black, white or grey must not spoil a batch.
    func testFlatPicturesHaveFiniteGradients() throws {
        for entry in ImageRewards.all {
            let reward = try reward(entry)
            for value in [0, 0.5, 1] {
                let images = Tensor(full: value, [1, 16, 16, 3]).tracked()
                let values = try reward(images, prompts: ["a fox"])
                let gradient = gradients(of: values.sum())[images]?.doubles ?? [.nan]
                let isFinite = (values.doubles + gradient).allSatisfy { $0.isFinite }
                XCTAssertTrue(isFinite, "\(entry.name) at \(value)")
            }
        }
    }

    func testStatisticsDifferentiateInDouble() throws {
        let images = randomTensor([1, 5, 6, 3], in: 0.1...0.9, seed: 8, dtype: .float64)
        for entry in ImageRewards.all where entry.weights == nil {
            let reward = try reward(entry)
            checkGradient(
                of: { inputs in (try? reward(inputs[0], prompts: [""])) ?? inputs[0] }, at: [images],
                entry.name)
        }
    }

    func testUntrackedImagesLeaveNothingOnTheTape() throws {
        for entry in ImageRewards.all {
            let reward = try reward(entry)
            let values = try reward(reference("high.images"), prompts: ["two birds"])
            XCTAssertFalse(values.isTracked, entry.name)
        }
    }

    func testEveryRewardIsListedOnce() {
        XCTAssertEqual(
            ImageRewards.names,
            [
                "brightness-high", "brightness-low", "global-contrast-high", "global-contrast-low",
                "local-contrast-high", "local-contrast-low", "saturation-high", "saturation-low",
                "colourfulness-high", "colourfulness-low", "aesthetic", "clip-score", "pick-score", "hps-v2",
                "mps",
            ])
        XCTAssertEqual(
            ImageRewards.all.filter(\.readsPrompts).map(\.name),
            ["clip-score", "pick-score", "hps-v2", "mps"])
    }

    func testRefusals() throws {
        func message(_ body: () throws -> some Any) -> String {
            do { _ = try body() } catch { return "\(error)" }
            return "nothing refused"
        }
        XCTAssertTrue(
            message { try ImageRewards.entry(named: "brigthness-high") }
                .hasPrefix("no reward is called \"brigthness-high\"; did you mean \"brightness-high\"?"))
        XCTAssertTrue(
            message { try ImageRewards.entry(named: "HPS") }
                .hasPrefix("no reward is called \"HPS\"; did you mean \"hps-v2\"? Rewards: brightness-high, ")
        )
        XCTAssertTrue(
            message { try ImageRewards.entry(named: "blip") }
                .hasPrefix("no reward is called \"blip\". Rewards: brightness-high, "))
        XCTAssertTrue(
            message { try ImageRewards.entry(named: "clip-score").load(weights: nil) }
                .hasPrefix("reward clip-score needs weights: the directory of a CLIPModel"))
        XCTAssertTrue(
            message { try ImageRewards.entry(named: "saturation-low").load(weights: "x") }
                .hasPrefix("reward saturation-low is a formula and takes no weights"))
        let small = Tensor.zeros([1, 9, 2, 3])
        let contrast = try ImageRewards.entry(named: "local-contrast-high").load(weights: nil)
        XCTAssertEqual(
            message { try contrast(small, prompts: [""]) },
            "reward local-contrast-high needs images of at least 3 × 3 pixels, got 2 × 9")
    }
}
