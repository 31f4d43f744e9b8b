import Foundation
import TestSupport
import Training
import XCTest

/// Texts that are no configuration at all, files, and reports of several problems.
final class ConfigurationErrorTests: XCTestCase {
    private let product = Documents.product
    private let alignment = Documents.alignment
    private let mixture = Documents.mixture

    func testSyntax() {
        for (yaml, position, fragment) in [
            ("", nil, "expected a mapping, found nothing"),
            ("# only a comment\n", nil, "found nothing"),
            ("- 1\n- 2\n", nil, "expected a mapping, found a list of 2"),
            ("product", nil, "found `product`"),
            ("kind: product\n  seed: 1\n", (2, 7), "is not valid YAML"),
            ("kind: [product\n", (2, 1), "is not valid YAML"),
            ("kind: \"product\n", (2, 1), "is not valid YAML"),
            ("kind:\tproduct\n\tseed: 1", (2, 1), "is not valid YAML"),
            ("kind: pro\u{7}duct\n", (1, 10), "is not valid YAML"),
            ("kind: product\n---\nkind: product\n", (2, 1), "another document"),
            ("kind: *none\n", (1, 7), "the alias `*none` has no anchor"),
            ("*a : 1\n", (1, 1), "a key must be a word"),
        ] as [(String, (Int, Int)?, String)] {
            let problems = problems(of: yaml)
            XCTAssertEqual(problems.count, 1, "\(yaml): \(problems)")
            guard let problem = problems.first else { continue }
            XCTAssertEqual(problem.path, "")
            XCTAssertTrue(problem.message.contains(fragment), "\(yaml): \(problem)")
            let expected = position.map { ConfigurationProblem.Location.position(line: $0.0, column: $0.1) }
            XCTAssertEqual(problem.location, expected ?? .unknown, yaml)
        }
    }

    func testAliasBombsAreRefusedQuickly() {
        let levels = (1...30).map {
            "a\($0): &a\($0) [\(Array(repeating: "*a\($0 - 1)", count: 9).joined(separator: ","))]"
        }
        for key in ["b: *a30", "? *a30\n: 1", "? [*a30]\n: 1"] {
            let bomb = (["a0: &a0 [x]"] + levels + [key]).joined(separator: "\n")
            let started = Date()
            let problems = problems(of: bomb)
            XCTAssertEqual(problems.count, 1)
            XCTAssertTrue(
                problems.first?.message.contains("aliases stand for more than") ?? false, "\(problems)")
            XCTAssertLessThan(Date().timeIntervalSince(started), 10)
        }
        let deep = String(repeating: "[", count: 100_000)
        XCTAssertTrue(problems(of: deep).first?.message.contains("is not valid YAML") ?? false)
    }

    /// What loading a file of the directory fails with.
    private func failure(_ name: String, in directory: URL) throws -> ConfigurationError {
        do {
            _ = try RunConfiguration(
                file: directory.appendingPathComponent(name).path, overrides: [], kinds: [.mixture])
        } catch let error as ConfigurationError {
            return error
        }
        throw XCTSkip("\(name) loaded")
    }

    func testFiles() throws {
        try withTemporaryDirectory { directory in
            let missing = try failure("none.yaml", in: directory)
            XCTAssertEqual(missing.exitCode, ExitStatus.noInput)
            XCTAssertTrue(
                missing.description.contains("none.yaml: there is no such file"), missing.description)
            XCTAssertEqual(try failure("", in: directory).exitCode, ExitStatus.noInput)
            try Data([0x6B, 0x3A, 0xE9, 0x0A]).write(to: directory.appendingPathComponent("latin.yaml"))
            let latin = try failure("latin.yaml", in: directory)
            XCTAssertEqual(latin.exitCode, ExitStatus.configuration)
            XCTAssertTrue(latin.description.contains("not UTF-8"))
        }
    }

    func testFilesOfSamples() throws {
        try withTemporaryDirectory { directory in
            func write(_ name: String, _ bytes: Data) throws {
                try bytes.write(to: directory.appendingPathComponent(name))
            }
            let samples = mixture.replacing(
                "gaussian: {mean: [0.0], covariance: [[0.02]]}", with: "samples: s.safetensors")
            try write("samples.yaml", Data(samples.utf8))
            let absent = try failure("samples.yaml", in: directory)
            XCTAssertEqual(absent.exitCode, ExitStatus.noInput)
            XCTAssertEqual(absent.problems.map(\.path), ["models[0].samples"])
            XCTAssertTrue(absent.description.contains(directory.path + "/s.safetensors"), absent.description)
            try write("both.yaml", Data((samples + "seeed: 1\n").utf8))
            XCTAssertEqual(try failure("both.yaml", in: directory).exitCode, ExitStatus.configuration)
            try write("exact.yaml", Data((samples + "score: analytic\n").utf8))
            try write("s.safetensors", Data())
            let exact = try failure("exact.yaml", in: directory)
            XCTAssertEqual(exact.problems.map(\.path), ["models[0].samples"])
            XCTAssertTrue(
                exact.description.contains("no exact score is known for samples"), exact.description)

            try write(
                "bom.yaml", Data([0xEF, 0xBB, 0xBF]) + Data(samples.replacing("\n", with: "\r\n").utf8))
            let path = directory.appendingPathComponent("bom.yaml").path
            let loaded = try RunConfiguration(file: path, overrides: [], kinds: [.mixture])
            XCTAssertEqual(loaded.models[0].source, .samples(path: directory.path + "/s.safetensors"))
        }
    }

    func testKindsOfOtherCommands() {
        for (document, kinds, command) in [
            (product, [.alignment], "saddle compose"), (mixture, [.pretraining], "saddle compose"),
            (alignment, [.product, .mixture], "saddle align"),
        ] as [(String, Set<RunConfiguration.Kind>, String)] {
            let problems = problems(of: document, kinds: kinds)
            XCTAssertEqual(problems.map(\.path), ["kind"])
            XCTAssertTrue(problems[0].message.contains("is solved by `\(command)`"), "\(problems)")
        }
    }

    func testAllProblemsAtOnceInTheOrderOfTheFile() throws {
        let broken =
            product.replacing("seed: 7", with: "sede: 7").replacing("dimension: 2", with: "dimension: two")
            .replacing("[[0.05, 0.01], [0.01, 0.05]]", with: "[[0.05, x], [0.01, 0.05]]")
            .replacing("name: pair", with: "name: left").replacing("eta: 1.0", with: "eta: 3")
            .replacing("rule: adaptive", with: "rule: sgd").replacing("keep: 3", with: "keep: 0")
        let paths = problems(of: broken, set: ["mcmc.levels=0", "nonsense"], kinds: [.alignment]).map(\.path)
        // What depends on the dimension is left out while it is not known.
        XCTAssertEqual(
            paths,
            [
                "kind", "sede", "dimension", "models[0].gaussian.covariance[0][1]", "models[1].name",
                "sampling.eta", "dual.rule", "checkpoints.keep", "", "mcmc.levels",
            ])
        XCTAssertThrowsError(try RunConfiguration(yaml: broken, source: "run.yaml")) { error in
            let lines = "\(error)".split(separator: "\n")
            XCTAssertEqual(lines[0], "run.yaml: 7 problems")
            XCTAssertEqual(lines[1], "  line 2, column 1: sede: unknown key `sede`; did you mean `seed`?")
            XCTAssertEqual(lines.count, 8)
            XCTAssertEqual((error as? ConfigurationError)?.exitCode, ExitStatus.configuration)
        }
    }
}
