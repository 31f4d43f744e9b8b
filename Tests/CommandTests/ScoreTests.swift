import Foundation
import TestSupport
import XCTest

/// `saddle score`: JSON on standard output and nothing else.
final class ScoreTests: CommandTestCase {
    private struct Output: Decodable { let scores: [Record] }

    private struct Record: Decodable {
        let image: String
        let prompt: String?
        let reward: String
        let score: Double
        let weights: String?
    }

    private static let pictures = ["color", "grey", "palette", "deep", "transparent"]

    /// What `make_rewards.py` wrote for the tests of the rewards.
    private static func fixture(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("RewardsTests/Images/Fixtures/\(name)").path
    }

    private func score(_ arguments: [String]) throws -> [Record] {
        let result = try workspace.saddle(["score"] + arguments)
        XCTAssertEqual(result.exitCode, 0, result.standardError)
        XCTAssertEqual(result.standardError, "")
        return try JSONDecoder().decode(Output.self, from: Data(result.standardOutput.utf8)).scores
    }

    func testScoresOfEveryKindOfPictureAreThoseOfTheReferences() throws {
        let expected = try JSONDecoder().decode(
            [String: [String: Double]].self,
            from: Data(contentsOf: URL(fileURLWithPath: Self.fixture("pictures.json"))))
        let clip = Self.fixture("clip")
        let learned = ["aesthetic", "clip-score", "pick-score"]
        let formulas = try XCTUnwrap(expected["color"]).keys.filter { !learned.contains($0) }.sorted()
        let images = Self.pictures.map { Self.fixture("pictures/\($0).png") }
        let records = try score(
            ["--reward"] + formulas + learned.map { "\($0)=\(clip)" } + ["--image"] + images
                + ["--prompt", "a red fox"])
        XCTAssertEqual(records.count, 65)
        for (index, record) in records.enumerated() {
            let (picture, place) = (Self.pictures[index / 13], index % 13)
            XCTAssertEqual(record.image, images[index / 13])
            XCTAssertEqual(record.reward, (formulas + learned)[place])
            XCTAssertEqual(record.prompt, "a red fox")
            XCTAssertEqual(record.weights, place < formulas.count ? nil : clip)
            let reference = try XCTUnwrap(expected[picture]?[record.reward])
            assertClose(
                [record.score], [reference], absolute: 1e-6, relative: 1e-5, "\(picture), \(record.reward)")
        }
    }

    func testOnePromptForEachImage() throws {
        let image = Self.fixture("pictures/color.png")
        let reward = "pick-score=\(Self.fixture("clip"))"
        let (fox, birds) = ("a \"red\" fox", "two birds")
        let together = try score(["--reward", reward, "--image", image, image, "--prompt", fox, birds])
        let apart = try [fox, birds].flatMap {
            try score(["--reward", reward, "--image", image, "--prompt", $0])
        }
        XCTAssertEqual(together.map(\.score), apart.map(\.score))
        XCTAssertEqual(together.map(\.prompt), [fox, birds])
        XCTAssertNotEqual(together[0].score, together[1].score)
    }

    func testFormulasNeedNoPrompt() throws {
        let records = try score(
            ["--reward", "saturation-low", "--image", Self.fixture("pictures/grey.png")])
        XCTAssertEqual(records.map(\.prompt), [nil])
        XCTAssertEqual(records.map(\.score), [0])
    }

    private func check(_ cases: [([String], Int32, String)]) throws {
        for (arguments, code, message) in cases {
            let result = try workspace.saddle(["score"] + arguments)
            XCTAssertEqual(result.exitCode, code, result.standardError)
            XCTAssertEqual(result.standardOutput, "")
            XCTAssertTrue(result.standardError.contains(message), result.standardError)
        }
    }

    func testOptionsThatDoNotGoTogether() throws {
        let image = ["--image", Self.fixture("pictures/color.png")]
        let clip = Self.fixture("clip")
        try check([
            (["--reward", "saturation"] + image, 64, "did you mean \"saturation-low\"?"),
            (["--reward", "aesthetics=\(clip)"] + image, 64, "did you mean \"aesthetic\"?"),
            (["--reward", "clip-score"] + image, 64, "reward clip-score needs weights"),
            (["--reward", "brightness-low=x"] + image, 64, "takes no weights"),
            (["--reward", "clip-score=\(clip)"] + image, 64, "--prompt is missing; clip-score compares"),
            (
                ["--reward", "brightness-low", "--prompt", "a", "b"] + image, 64,
                "--prompt has 2 texts for 1 images; give one for all, or one for each."
            ),
            (image, 64, "Missing expected argument '--reward <name[=weights]> ...'"),
            (["--reward", "brightness-low"], 64, "Missing expected argument '--image <file> ...'"),
        ])
    }

    func testFilesThatAreMissingOrOfAnotherKind() throws {
        let image = ["--image", Self.fixture("pictures/color.png")]
        let bright = ["--reward", "brightness-low", "--image"]
        let text = try workspace.write("no picture", to: "text.png")
        let empty = try workspace.write("", to: "empty.png")
        try check([
            (bright + ["none.png"], 66, "none.png: no file that can be read"),
            (bright + [text], 65, "not a usable PNG image"),
            (bright + [empty], 65, "not a usable PNG image"),
            (
                ["--reward", "pick-score=none", "--prompt", "x"] + image, 66,
                "none: the component's directory is missing."
            ),
            (
                ["--reward", "aesthetic=\(workspace.path)"] + image, 66,
                "\(workspace.path)/config.json: cannot read"
            ),
        ])
    }
}
