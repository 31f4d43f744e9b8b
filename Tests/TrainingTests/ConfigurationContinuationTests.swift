import Training
import XCTest

final class ConfigurationContinuationTests: XCTestCase {
    private let earlier = Documents.mixture

    private func problems(set overrides: [String]) throws -> [ConfigurationProblem] {
        let checkpointed = try RunConfiguration(yaml: earlier).text
        let now = try RunConfiguration(yaml: earlier, overrides: overrides, sampleFiles: .unchecked)
        do {
            try now.checkContinues(checkpointed)
            return []
        } catch let error as ConfigurationError {
            XCTAssertEqual(error.exitCode, ExitStatus.configuration)
            return error.problems
        }
    }

    func testWhatMayChange() throws {
        XCTAssertEqual(try problems(set: []), [])
        XCTAssertEqual(
            try problems(set: [
                "training.steps=5", "checkpoints={every: 1, keep: 9, permanent_every: 2}",
                "evaluation={samples: 1024, micro_batch: 256}", "dual.tolerance=1e-5", "dual.window=3",
                "ranks.shards=2",
            ]), [])
    }

    func testWhatMayNotChange() throws {
        let changes = [
            ("seed=1", "seed", "`0` in the checkpoint, `1` now"),
            ("constraint=elbo", "constraint", "`kl` in the checkpoint, `elbo` now"),
            ("score=analytic", "score", "`learned` in the checkpoint, `analytic` now"),
            (
                "models[1].gaussian.mean=[4.0]", "models[1].gaussian.mean[0]",
                "`3.0` in the checkpoint, `4.0` now"
            ),
            ("models[0].name=tiny", "models[0].name", "`small` in the checkpoint, `tiny` now"),
            ("training.micro_batch=32", "training.micro_batch", "`64` in the checkpoint, `32` now"),
            ("training.primal_steps=3", "training.primal_steps", "`null` in the checkpoint, `3` now"),
            ("dual.initial=[0.5, 0.5]", "dual.initial", "`null` in the checkpoint, `[0.5, 0.5]` now"),
        ]
        for (override, path, message) in changes {
            let problems = try problems(set: [override])
            XCTAssertEqual(problems.map(\.path), [path])
            XCTAssertTrue(problems.first?.message.hasPrefix(message) ?? false, "\(problems)")
        }
        // All of them at once, in the order of the keys.
        XCTAssertEqual(
            try problems(set: changes.map(\.0)).map(\.path),
            [
                "seed", "score", "models[0].name", "models[1].gaussian.mean[0]", "constraint",
                "training.primal_steps", "training.micro_batch", "dual.initial",
            ])
    }

    func testModels() throws {
        let third = "  - {name: third, gaussian: {mean: [1.0], covariance: [[1.0]]}}\n"
        let checkpointed = try RunConfiguration(yaml: earlier).text
        XCTAssertThrowsError(try RunConfiguration(yaml: earlier + third).checkContinues(checkpointed)) {
            error in
            XCTAssertEqual((error as? ConfigurationError)?.problems.map(\.path), ["models"])
        }
        XCTAssertEqual(
            try problems(set: ["models[0]={name: small, samples: a.safetensors}"]).map(\.path),
            ["models[0].gaussian", "models[0].samples"])
    }

    func testSampleFilesMayMove() throws {
        func configuration(_ path: String) throws -> RunConfiguration {
            try RunConfiguration(
                yaml: earlier, overrides: ["models[0]={name: s, samples: \(path)}"], sampleFiles: .unchecked)
        }
        try configuration("/new/a.safetensors").checkContinues(configuration("/gone/a.safetensors").text)
    }

    func testCheckpointsOfOtherVersions() throws {
        let now = try RunConfiguration(yaml: earlier)
        XCTAssertThrowsError(try now.checkContinues(now.text + "temperature: 1\n")) { error in
            XCTAssertTrue("\(error)".contains("the checkpoint's configuration"), "\(error)")
            XCTAssertTrue("\(error)".contains("unknown key `temperature`"), "\(error)")
        }
    }
}
