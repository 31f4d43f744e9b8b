import Foundation
import TestSupport
import XCTest

/// A run that is stopped and resumed, on whatever number of ranks, ends with the bits of one that was not.
final class InterruptionTests: CommandTestCase {
    /// Stopped after every round of the fit and after every iteration, each time resumed on other ranks.
    func testStopFileAtEveryStep() throws {
        for (name, problem) in [
            ("product", TinyProblems.learnedProduct), ("alignment", TinyProblems.learnedAlignment),
            ("mixture", TinyProblems.learnedMixture), ("exact", TinyProblems.exactProduct),
        ] {
            let undisturbed = try workspace.finish(problem, output: "\(name)-undisturbed")
            let steps = try stopAtEveryStep(problem, output: name)
            XCTAssertEqual(steps.suffix(5), [1, 2, 3, 4, 5], name)
            // 60 updates of each network, and a round is 25.
            let fits = Array(steps.dropLast(5))
            XCTAssertEqual(fits.isEmpty, name == "exact", "\(name): \(steps)")
            XCTAssertEqual(fits, fits.sorted(), "\(name): \(steps)")
            try assertIdentical(RunDirectory(path: workspace.at(name)), undisturbed, name)
        }
    }

    func testStopFileDuringPretraining() throws {
        let undisturbed = try workspace.finish(TinyProblems.pretraining, output: "undisturbed")
        XCTAssertGreaterThan(try stopAtEveryStep(TinyProblems.pretraining, output: "stopped").count, 1)
        try assertIdentical(RunDirectory(path: workspace.at("stopped")), undisturbed)
    }

    /// Starts again and again, each time with a file STOP already there; returns the steps it stopped at.
    private func stopAtEveryStep(_ problem: Problem, output: String) throws -> [Int] {
        let folder = workspace.at(output)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var steps: [Int] = []
        for start in 0..<30 {
            try workspace.write("", to: "\(output)/STOP")
            let ranks = [nil, 2, 3, 1, 4][start % 5]
            let arguments = try workspace.command(problem, output: output) + ["--resume", "auto"]
            let result = try workspace.saddle(arguments, ranks: ranks)
            guard result.exitCode == 75 else {
                XCTAssertEqual(result.exitCode, 0, result.standardError)
                return steps
            }
            XCTAssertFalse(FileManager.default.fileExists(atPath: workspace.at("\(output)/STOP")))
            let written = result.standardError.firstMatch(of: /interrupted: .*checkpoint-([0-9]+) is written/)
            steps.append(try XCTUnwrap(written.flatMap { Int($0.1) }, result.standardError))
        }
        XCTFail("\(output) does not come to an end")
        return steps
    }

    /// One that comes when all is done must not stop the next start.
    func testStopFileAfterTheLastStep() throws {
        let run = try workspace.finish(TinyProblems.exactProduct)
        try workspace.write("", to: "run/STOP")
        try workspace.finish(TinyProblems.exactProduct, ["--resume", "latest"], ranks: 2)
        XCTAssertFalse(FileManager.default.fileExists(atPath: "\(run.path)/STOP"))
    }

    /// SIGUSR1 to mpirun reaches all ranks, wherever they are.
    func testSignalToMpirun() throws {
        let problem = TinyProblems.learnedProduct.with("training: {steps: 40, batch: 192, micro_batch: 32}")
            .with("checkpoints: {every: 0}")
        let undisturbed = try workspace.finish(problem, output: "undisturbed", ranks: 2)
        let log = workspace.at("signalled/metrics.jsonl")
        let interrupted = try signal("USR1", once: "[ -s \(log) ]", problem, output: "signalled", ranks: 2)
        XCTAssertEqual(interrupted.exitCode, 75, interrupted.standardError)
        let run = RunDirectory(path: workspace.at("signalled"))
        let lines = try run.lines("metrics.jsonl").count
        XCTAssertTrue((1..<40).contains(lines), "\(lines) iterations before the stop")
        XCTAssertEqual(try run.newestStep(), lines)
        try workspace.train(problem, ["--resume", "latest"], output: "signalled", ranks: 3, exitCode: 0)
        try assertIdentical(run, undisturbed)
    }

    func testTerminationSavesToo() throws {
        let problem = TinyProblems.exactProduct.with("training: {steps: 100000, batch: 192, micro_batch: 32}")
        let arguments = ["--set", "dual.tolerance=1e-12"]
        let log = workspace.at("run/metrics.jsonl")
        let result = try signal("TERM", once: "[ -s \(log) ]", problem, arguments, output: "run", ranks: nil)
        XCTAssertEqual(result.exitCode, 75, result.standardError)
        XCTAssertNotNil(try RunDirectory(path: workspace.at("run")).newestStep())
    }

    /// Starts a run, sends it a signal as soon as `condition` (a shell test) holds, and waits for its end.
    private func signal(
        _ name: String, once condition: String, _ problem: Problem, _ arguments: [String] = [],
        output: String, ranks: Int?
    ) throws -> CommandResult {
        let command = try workspace.command(problem, output: output) + arguments
        return try workspace.disturb(command, ranks: ranks, once: condition, by: "kill -\(name) $!")
    }
}

/// What `--resume` takes, refuses, and says.
final class ResumeTests: CommandTestCase {
    private let problem = TinyProblems.exactProduct

    func testLatestNeedsACheckpointAndAutoDoesNot() throws {
        let refused = try workspace.train(problem, ["--resume", "latest"], exitCode: 66)
        XCTAssertTrue(refused.contains(workspace.at("run")), refused)
        try workspace.train(problem, ["--resume", "auto"], exitCode: 0)
    }

    func testFreshStartInAUsedDirectoryIsRefused() throws {
        try workspace.finish(problem)
        let before = try RunDirectory(path: workspace.at("run")).result()
        let refused = try workspace.train(problem, ranks: 2, exitCode: 73)
        XCTAssertTrue(refused.contains("/checkpoint-5 is there already"), refused)
        XCTAssertTrue(refused.contains("--resume"), refused)
        XCTAssertEqual(try RunDirectory(path: workspace.at("run")).result().differences(from: before), [])
    }

    /// From another run's checkpoint into a directory of one's own, by the checkpoint's or the run's path.
    func testFromADirectory() throws {
        let whole = try workspace.finish(problem)
        for (output, source) in [("a", "run/checkpoint-2"), ("b", "run/checkpoint-4/"), ("c", "run")] {
            try workspace.train(problem, ["--resume", workspace.at(source)], output: output, exitCode: 0)
            let differences = try RunDirectory(path: workspace.at(output)).result()
                .differences(from: whole.result())
            // Lines before the checkpoint are in the other run's directory.
            XCTAssertEqual(differences.filter { !$0.hasPrefix("metrics") }, [], output)
        }
        let missing = try workspace.train(problem, ["--resume", "nowhere"], output: "d", exitCode: 66)
        XCTAssertTrue(missing.contains("nowhere"), missing)
    }

    /// A finished run is measured again with the same outcome, and goes on where more iterations are asked for.
    func testAfterTheEnd() throws {
        let whole = try workspace.finish(problem, output: "whole")
        let run = try workspace.finish(problem, ["--steps", "3"])
        try workspace.finish(problem, ["--steps", "3", "--resume", "latest"])
        XCTAssertEqual(try run.summary().iterations, 3)
        try workspace.finish(problem, ["--resume", "latest"])
        try assertIdentical(run, whole)
    }

    /// Everything that would change the numbers is named; how long, how measured and how kept may change.
    func testChangedConfigurationIsRefused() throws {
        try workspace.finish(problem, ["--steps", "2"])
        let changes = [
            "seed=1", "models[0].gaussian.mean[0]=-0.4", "dual.step=0.2", "training.micro_batch=64",
        ]
        let refused = try workspace.train(
            problem, ["--resume", "latest"] + changes.flatMap { ["--set", $0] }, ranks: 2, exitCode: 78)
        for key in ["seed", "models[0].gaussian.mean[0]", "dual.step", "training.micro_batch"] {
            XCTAssertEqual(refused.components(separatedBy: " \(key): ").count, 2, "\(key) in: \(refused)")
        }
        let allowed = [
            "checkpoints.every=1", "evaluation.samples=1024", "training.steps=4", "ranks.shards=2",
        ]
        try workspace.train(
            problem, ["--resume", "latest"] + allowed.flatMap { ["--set", $0] }, ranks: 2, exitCode: 0)
    }

    /// The newest whole checkpoint is taken; what is damaged is named and set aside.
    func testDamagedCheckpointIsPassedOver() throws {
        let whole = try workspace.finish(problem, output: "whole")
        let run = try workspace.finish(problem)
        let state = workspace.at("run/checkpoint-5/state.h5")
        try Damage.flipBit(of: state, at: 0.5)
        let said = try workspace.train(problem, ["--resume", "latest"], ranks: 2, exitCode: 0)
        XCTAssertTrue(said.contains("checkpoint-5"), said)
        XCTAssertTrue(said.contains("resuming from \(workspace.at("run/checkpoint-4"))"), said)
        try assertIdentical(run, whole)
        XCTAssertTrue(FileManager.default.fileExists(atPath: workspace.at("run/checkpoint-5.damaged")))
    }

    func testNothingWholeIsAnError() throws {
        try workspace.finish(problem, ["--steps", "2"])
        try Damage.truncate(workspace.at("run/checkpoint-2/state.h5"), to: 0.4)
        for policy in ["latest", "auto"] {
            let refused = try workspace.train(problem, ["--resume", policy], ranks: 2, exitCode: 65)
            XCTAssertTrue(refused.contains("checkpoint-2"), refused)
        }
    }
}

/// What happens to files on bad disks.
enum Damage {
    /// - Parameter place: 0 is the first byte, 1 the last.
    static func flipBit(of path: String, at place: Double) throws {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[Int(place * Double(bytes.count - 1))] ^= 4
        try bytes.write(to: URL(fileURLWithPath: path))
    }

    static func truncate(_ path: String, to share: Double) throws {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        try bytes.prefix(Int(share * Double(bytes.count))).write(to: URL(fileURLWithPath: path))
    }
}
