import Foundation
import TestSupport
import XCTest

/// Whatever is wrong with the input, the message names the place and the remedy, and the exit code is that of
/// `docs/command.md`.
final class BadInputTests: CommandTestCase {
    /// A configuration, what is said about it, and the exit code.
    private struct Case {
        let name: String
        let problem: Problem
        let said: [String]
        var exitCode: Int32 = 78

        init(_ name: String, _ problem: Problem, _ said: String..., exitCode: Int32 = 78) {
            (self.name, self.problem, self.said, self.exitCode) = (name, problem, said, exitCode)
        }
    }

    private static let left =
        "{name: left, gaussian: {mean: [0.0, 0.0], covariance: [[1.0, 0.0], [0.0, 1.0]]}}"
    private static let right =
        "{name: right, gaussian: {mean: [1.0, 0.0], covariance: [[1.0, 0.0], [0.0, 1.0]]}}"

    private static func product(_ models: [String] = [left, right], _ settings: String...) -> Problem {
        Problem(kind: "product", dimension: 2, models: models, settings: settings)
    }

    private static func model(_ content: String) -> Problem { product([left, "{name: bad, \(content)}"]) }

    private static func alignment(_ rewards: [String], _ settings: String...) -> Problem {
        Problem(kind: "alignment", dimension: 2, models: [left], rewards: rewards, settings: settings)
    }

    private static let configurations = [
        Case(
            "unknown key", product([left, right], "modles: []"), "modles", "did you mean `models`", "line 7"),
        Case("unknown key in a section", product([left, right], "dual: {stepp: 1}"), "dual.stepp", "`step`"),
        Case("wrong type", product([left, right], "mcmc: {levels: many}"), "mcmc.levels", "`many`"),
        Case("wrong word", product([left, right], "dual: {rule: newton}"), "dual.rule", "adaptive"),
        Case("negative", product([left, right], "training: {learning_rate: -1}"), "training.learning_rate"),
        Case("not finite", product([left, right], "dual: {step: .nan}"), "dual.step", "finite"),
        Case(
            "odd micro-batch", product([left, right], "training: {micro_batch: 33}"), "training.micro_batch"),
        Case("given twice", product([left, right], "seed: 1", "seed: 2"), "`seed` is given twice"),
        Case("no models", product([]), "models: is missing", "add `models:`"),
        Case("one model", product([left]), "models: product takes at least 2, found 1"),
        Case("equal names", product([left, left]), "models[1].name", "names must differ"),
        Case("name with a slash", product([left, "{name: a/b, samples: x}"]), "models[1].name", "a/b"),
        Case(
            "covariance not positive definite",
            model("gaussian: {mean: [0.0, 0.0], covariance: [[1.0, 2.0], [2.0, 1.0]]}"),
            "models[1].gaussian.covariance", "not positive definite", "raise [1][1]"),
        Case(
            "covariance not symmetric",
            model("gaussian: {mean: [0.0, 0.0], covariance: [[1.0, 0.1], [0.2, 1.0]]}"),
            "models[1].gaussian.covariance", "not symmetric"),
        Case(
            "covariance of another size", model("gaussian: {mean: [0.0, 0.0], covariance: [[1.0]]}"),
            "models[1].gaussian.covariance", "2×2"),
        Case(
            "mean of another length", model("gaussian: {mean: [0.0], covariance: [[1.0]]}"), "gaussian.mean"),
        Case(
            "weights do not sum to 1",
            model("mixture: [{weight: 0.6, mean: [0.0, 0.0], covariance: [[1.0, 0.0], [0.0, 1.0]]}]"),
            "models[1].mixture", "sum to 0.6"),
        Case("empty mixture", model("mixture: []"), "models[1].mixture", "empty"),
        Case("no source", model("weight: 1"), "models[1]", "gaussian"),
        Case(
            "no such file",
            Problem(
                kind: "product", dimension: 2, score: "learned",
                models: [left, "{name: b, samples: none.safetensors}"]),
            "models[1].samples", "none.safetensors", exitCode: 66),
        Case("samples with exact scores", model("samples: some.safetensors"), "score: learned"),
        Case("shrinking noise", product([left, right], "schedule: {beta_start: 0.2}"), "schedule.beta_end"),
        Case("more steps than trained", product([left, right], "sampling: {steps: 300}"), "sampling.steps"),
        Case(
            "initial multipliers", product([left, right], "dual: {initial: [0.5, 0.6]}"), "dual.initial",
            "1.1"),
        Case(
            "reward without weights", alignment(["{name: r, linear: [1.0], threshold: 1}"]),
            "rewards[0].linear"),
        Case("no rewards", alignment([]), "rewards", "at least one"),
        Case(
            "deterministic chain",
            alignment(["{name: r, linear: [1.0, 0.0], threshold: 1}"], "sampling: {eta: 0}"),
            "sampling.eta", "infinite"),
        Case(
            "unreachable threshold", alignment(["{name: r, linear: [0.0, 0.0], threshold: 1}"]),
            "rewards[0].threshold", "cannot be met"),
        Case(
            "no image", alignment(["{name: r, mirror: {width: 3, height: 1}, threshold: -1}"]),
            "rewards[0].mirror"),
        Case(
            "more constraints than sense",
            alignment((0..<65).map { "{name: r\($0), linear: [1.0, 0.0], threshold: 1}" }), "rewards",
            "at most 64"),
        Case(
            "kind of another command", Problem(kind: "prodct", dimension: 2, models: [left]), "kind",
            "`product`"),
    ]

    func testConfigurations() throws {
        for test in Self.configurations {
            let result = try workspace.saddle(try workspace.command(test.problem, output: "bad"))
            assertRefused(result, test.exitCode, test.said + ["bad.yaml"], test.name)
            XCTAssertFalse(FileManager.default.fileExists(atPath: workspace.at("bad")), test.name)
        }
    }

    /// All that is wrong is said at once.
    func testSeveralProblems() throws {
        let problem = Self.product([Self.left], "modles: []", "dual: {step: 0}")
        let result = try workspace.saddle(try workspace.command(problem, output: "bad"))
        assertRefused(result, 78, ["3 problems", "modles", "dual.step", "at least 2"])
    }

    func testText() throws {
        for (name, text, said) in [
            ("empty", "", "kind"), ("a list", "- 1\n", "list"), ("no YAML", "a: [1\n", "line 2"),
            ("tabs", "kind: product\n\tdimension: 2\n", "line 2"), ("alias bomb", Self.bomb, "aliases"),
        ] {
            let file = try workspace.write(text, to: "bad.yaml")
            assertRefused(try workspace.saddle(["compose", file]), 78, [said, "bad.yaml"], name)
        }
        let binary = workspace.at("binary.yaml")
        try Data([0xff, 0xfe, 0x00, 0x80]).write(to: URL(fileURLWithPath: binary))
        assertRefused(try workspace.saddle(["compose", binary]), 78, ["UTF-8"])
        assertRefused(
            try workspace.saddle(["compose", workspace.at("none.yaml")]), 66, ["none.yaml", "no such file"])
        assertRefused(try workspace.saddle(["compose", workspace.path]), 66, ["cannot be read"])
    }

    func testOverrides() throws {
        for (override, said) in [
            ("training", "key=value"), ("trainig.steps=1", "did you mean `training`"),
            ("models[7].name=x", "[7]"),
            ("training.steps=0", "--set training.steps=0"), ("kind=alignment", "saddle align"),
        ] {
            let arguments = try workspace.command(Self.product(), output: "bad") + ["--set", override]
            assertRefused(try workspace.saddle(arguments), 78, [said], override)
        }
    }

    func testSampleFiles() throws {
        let learned = Problem(
            kind: "product", dimension: 2, score: "learned",
            models: [Self.left, "{name: b, samples: b.safetensors}"])
        for (name, bytes, said) in [
            ("empty", Data(), "safetensors"),
            ("garbage", Data("garbage, no tensors in here".utf8), "safetensors"),
            ("another tensor", safetensors("images", [4, 2], Array(repeating: 1, count: 8)), "samples"),
            ("another width", safetensors("samples", [2, 3], Array(repeating: 1, count: 6)), "[N, 2]"),
            ("one sample", safetensors("samples", [1, 2], [1, 2]), "N > 1"),
            ("not finite", safetensors("samples", [2, 2], [1, 2, .nan, 3]), "NaN"),
            ("all equal", safetensors("samples", [3, 2], [1, 2, 1, 2, 1, 2]), "equal"),
        ] {
            try bytes.write(to: URL(fileURLWithPath: workspace.at("b.safetensors")))
            let result = try workspace.saddle(try workspace.command(learned, output: "bad"))
            assertRefused(result, 65, [said], name)
        }
    }

    func testUsage() throws {
        for (arguments, said) in [
            (["compos", "x.yaml"], "compos"), (["compose"], "config"),
            (["compose", "x.yaml", "--stepps", "3"], "--stepps"),
            (["compose", "x.yaml", "--steps", "three"], "three"), (["sample", "--output", "x"], "--model"),
            (["sample", "--model", "x", "--output", "y", "--count", "-1"], "--count"),
            (["inspect"], "checkpoint"),
            (["bench", "nothing"], "nothing"),
        ] {
            assertRefused(try workspace.saddle(arguments), 64, [said], arguments.joined(separator: " "))
        }
    }

    func testPlacesThatCannotBeWritten() throws {
        let file = try workspace.write("", to: "file")
        for output in [file, file + "/run", "/proc/none/run"] {
            let configuration = try workspace.write(Self.product().yaml, to: "run.yaml")
            let result = try workspace.saddle(["compose", configuration, "--output", output])
            assertRefused(result, 73, [output])
        }
    }

    func testCheckpointsAndModels() throws {
        try workspace.finish(TinyProblems.exactProduct)
        let checkpoint = workspace.at("run/checkpoint-5")
        try Damage.flipBit(of: checkpoint + "/state.h5", at: 0.3)
        assertRefused(try workspace.saddle(["inspect", checkpoint]), 65, ["checkpoint-5", "state.h5"])
        XCTAssertEqual(try workspace.saddle(["verify", checkpoint]).exitCode, 65)
        assertRefused(try workspace.saddle(["inspect", workspace.at("none")]), 66, ["none"])
        assertRefused(try workspace.saddle(["verify", workspace.at("none")]), 66, ["none"])
        assertRefused(try workspace.saddle(["report", workspace.at("none")]), 66, ["none"])
        for (model, code) in [("none", 66), ("run/checkpoint-5/state.h5", 65)] {
            let arguments = ["sample", "--model", workspace.at(model), "--output", workspace.at("samples")]
            assertRefused(try workspace.saddle(arguments), Int32(code), [model], model)
        }
    }

    /// No model meets both thresholds: the run ends by itself and says so.
    func testContradictingThresholds() throws {
        let problem = Self.alignment(
            [
                "{name: right, linear: [1.0, 0.0], threshold: 1}",
                "{name: left, linear: [-1.0, 0.0], threshold: 1}",
            ],
            "sampling: {steps: 10}", "training: {batch: 64}", "evaluation: {samples: 1024}")
        let said = try workspace.train(problem, exitCode: 0)
        XCTAssertEqual(try RunDirectory(path: workspace.at("run")).summary().status, "infeasible")
        XCTAssertTrue(said.contains("infeasible: "), said)
        XCTAssertTrue(said.contains("threshold"), said)
    }

    /// Under mpirun a message appears once, after the rank, and nobody calls MPI_Abort.
    func testUnderMpirun() throws {
        let learned = Problem(
            kind: "product", dimension: 2, score: "learned",
            models: [Self.left, "{name: b, samples: b.safetensors}"])
        try Data("garbage".utf8).write(to: URL(fileURLWithPath: workspace.at("b.safetensors")))
        for (problem, code, said) in [
            (Self.product([Self.left]), 78, "takes at least 2"), (learned, 65, "b.safetensors"),
        ] {
            let result = try workspace.saddle(try workspace.command(problem, output: "bad"), ranks: 2)
            assertRefused(result, Int32(code), [said, "[rank 0/2] "])
            XCTAssertEqual(result.standardError.components(separatedBy: said).count, 2, result.standardError)
            XCTAssertFalse(result.standardError.contains("MPI_ABORT"), result.standardError)
        }
    }

    private func assertRefused(
        _ result: CommandResult, _ exitCode: Int32, _ said: [String], _ name: String = "",
        file: StaticString = #filePath, line: UInt = #line
    ) {
        let text = result.standardError
        XCTAssertEqual(result.exitCode, exitCode, "\(name): \(text)", file: file, line: line)
        XCTAssertEqual(result.standardOutput, "", name, file: file, line: line)
        for fragment in said {
            XCTAssertTrue(
                text.contains(fragment), "\(name): no '\(fragment)' in: \(text)", file: file, line: line)
        }
        for trace in ["Fatal error", "crashed", "Swift runtime", "Error Domain", "Illegal instruction"] {
            XCTAssertFalse(text.contains(trace), "\(name): \(text)", file: file, line: line)
        }
    }

    /// Nine levels of nine aliases each.
    private static let bomb =
        "a0: &a0 [1]\n"
        + (1...9).map { level in
            "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
                + "]\n"
        }.joined()

    /// A safetensors file of one f32 tensor.
    private func safetensors(_ name: String, _ shape: [Int], _ values: [Float]) -> Data {
        let header =
            #"{"\#(name)":{"dtype":"F32","shape":\#(shape),"data_offsets":[0,\#(4 * values.count)]}}"#
        var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
        bytes.append(Data(header.utf8))
        values.withUnsafeBytes { bytes.append(contentsOf: $0) }
        return bytes
    }
}
