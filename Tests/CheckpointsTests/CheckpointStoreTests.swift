import Checkpoints
import Foundation
import XCTest

final class CheckpointStoreTests: RunDirectoryTestCase {
    func testSavedCheckpointComesBack() throws {
        let report = try save(7)
        XCTAssertTrue(report.written)
        XCTAssertEqual(report.directory, runDirectory + "/checkpoint-7")
        XCTAssertEqual(try names(), ["checkpoint-7"])
        XCTAssertEqual(
            try FileManager.default.contentsOfDirectory(atPath: report.directory).sorted(),
            ["config.yaml", "manifest.json", "pytorch_lora_weights.safetensors", "state.h5"])
        let content = RunDirectoryTestCase.content(7)
        let checkpoint = try CheckpointStore.load(report.directory + "/")
        XCTAssertEqual(checkpoint.step, 7)
        XCTAssertEqual(checkpoint.state, content.state)
        XCTAssertEqual(checkpoint.configuration, content.configuration)
        XCTAssertEqual(checkpoint.manifest.saddle, "1.2.3")
        XCTAssertEqual(checkpoint.manifest.provenance, ["base model": "sha256:0123"])
        XCTAssertEqual(checkpoint.manifest.writer.pid, getpid())
        let name = "pytorch_lora_weights.safetensors"
        XCTAssertEqual(try checkpoint.contents(ofFile: name), content.extraFiles[name])
    }

    func testEveryKindOfValueComesBack() throws {
        let lock = try RunLock(runDirectory: runDirectory)
        let content = CheckpointContent(
            step: 0, state: Fixtures.everyKind(), configuration: "", saddleVersion: "1")
        let report = try store.save(content, holding: lock, keeping: RotationRule(keepLatest: 1))
        XCTAssertEqual(try CheckpointStore.load(report.directory).state, content.state)
        let verification = try CheckpointStore.verify(report.directory)
        XCTAssertEqual(verification.intactValues, content.state.count)
        XCTAssertEqual(verification.intactFiles, 2)
        XCTAssertTrue(verification.valid)
    }

    func testCheckpointMayBeMovedAndLinked() throws {
        try save(7)
        let copy = runDirectory + "/best"
        try FileManager.default.moveItem(atPath: store.directory(ofStep: 7), toPath: copy)
        XCTAssertEqual(try CheckpointStore.load(copy).step, 7)
        symlink(copy, runDirectory + "/checkpoint-7")
        XCTAssertEqual(try store.latestWhole().checkpoint?.step, 7)
        try FileManager.default.removeItem(atPath: runDirectory + "/checkpoint-7")
        symlink(copy, runDirectory + "/checkpoint-8")
        XCTAssertEqual(
            try CheckpointStore.verify(runDirectory + "/checkpoint-8").problems,
            ["manifest.json is that of step 7"])
    }

    func testOnlyOurNamesAreListed() throws {
        for name in [
            "checkpoint-007", "checkpoint--1", "checkpoint-", "checkpoint-1.damaged", "checkpoint-x", "7",
        ] {
            try FileManager.default.createDirectory(
                atPath: runDirectory + "/" + name, withIntermediateDirectories: true)
        }
        try save(12)
        try save(3)
        XCTAssertEqual(try store.steps(), [3, 12])
        XCTAssertEqual(try CheckpointStore(runDirectory: runDirectory + "/none").steps(), [])
    }

    func testFallsBackToNewestWholeAndSaysWhatWasRefused() throws {
        for step in 1...4 { try save(step) }
        try damage(4)
        try FileManager.default.removeItem(atPath: path(3, "manifest.json"))
        let (checkpoint, refused) = try store.latestWhole()
        XCTAssertEqual(checkpoint?.step, 2)
        XCTAssertEqual(
            refused.map(\.problems), [["state.h5 does not match its digest"], ["manifest.json is missing"]])
        XCTAssertEqual(refused.map(\.directory), [4, 3].map(store.directory(ofStep:)))
    }

    // MARK: - A step that is there already

    func testSameStateIsNotWrittenTwice() throws {
        try save(5)
        let before = try bytes(path(5, "manifest.json"))
        let report = try save(5)
        XCTAssertFalse(report.written)
        XCTAssertEqual(try bytes(path(5, "manifest.json")), before)
        XCTAssertEqual(try names(), ["checkpoint-5"])
    }

    func testWholeCheckpointIsNeverOverwritten() throws {
        try save(5)
        XCTAssertThrowsError(try save(5, seed: 2)) {
            XCTAssertEqual($0 as? CheckpointError, .stepTaken(path: store.directory(ofStep: 5)))
        }
        XCTAssertEqual(try CheckpointStore.load(store.directory(ofStep: 5)).state, Fixtures.runState(step: 5))
        XCTAssertEqual(try names(), ["checkpoint-5"])
    }

    func testDamagedCheckpointIsMovedAsideAndReplaced() throws {
        for round in 1...2 {
            try save(5, seed: 1)
            try damage(5)
            let report = try save(5, seed: 1)
            let aside = store.directory(ofStep: 5) + (round == 1 ? ".damaged" : ".damaged-2")
            XCTAssertEqual(report.notices, [.movedAside(from: store.directory(ofStep: 5), to: aside)])
            XCTAssertTrue(try CheckpointStore.verify(store.directory(ofStep: 5)).valid)
        }
        XCTAssertEqual(try names(), ["checkpoint-5", "checkpoint-5.damaged", "checkpoint-5.damaged-2"])
    }

    // MARK: - Rotation

    func testRotationKeepsWholeOnes() throws {
        for step in 1...4 { try save(step) }
        try damage(4)
        let report = try save(5, keepLatest: 2)
        XCTAssertEqual(report.pruned, [1, 2])
        XCTAssertEqual(try names(), ["checkpoint-3", "checkpoint-4", "checkpoint-5"])
        XCTAssertEqual(try save(6, keepLatest: 1).pruned, [3, 4, 5])
        XCTAssertEqual(try names(), ["checkpoint-6"])
    }

    func testRotationDeletesNothingForeign() throws {
        for step in 1...3 { try save(step) }
        try overwrite(path(1, "notes.txt"), [1])
        try FileManager.default.removeItem(atPath: path(2, "manifest.json"))
        try FileManager.default.moveItem(
            atPath: store.directory(ofStep: 3), toPath: runDirectory + "/elsewhere")
        symlink(runDirectory + "/elsewhere", store.directory(ofStep: 3))
        let report = try save(4, keepLatest: 1)
        XCTAssertEqual(report.pruned, [])
        XCTAssertEqual(report.notices.count, 3)
        XCTAssertEqual(
            report.notices.first,
            .kept(
                store.directory(ofStep: 1),
                reason: "it holds files that are not the checkpoint's: [\"notes.txt\"]"))
        XCTAssertEqual(
            try names(), ["checkpoint-1", "checkpoint-2", "checkpoint-3", "checkpoint-4", "elsewhere"])
        XCTAssertTrue(try CheckpointStore.verify(runDirectory + "/elsewhere").valid)
    }

    // MARK: - Leftovers

    func testLeftoversAreRemovedOnlyIfOurs() throws {
        let digits = "0123456789abcdef"
        try save(1)
        try FileManager.default.moveItem(
            atPath: store.directory(ofStep: 1), toPath: runDirectory + "/.checkpoint-1-\(digits).trash")
        let ours = [".checkpoint-2-\(digits).staging", ".checkpoint-3-\(digits).staging"]
        let foreign = [".checkpoint-4-\(digits).staging", ".checkpoint-5-123.staging", ".checkpoint-6.tmp"]
        for name in ours + foreign {
            try FileManager.default.createDirectory(
                atPath: runDirectory + "/" + name, withIntermediateDirectories: true)
        }
        try overwrite("\(runDirectory)/\(ours[1])/state.h5", [1, 2, 3])
        try overwrite("\(runDirectory)/\(foreign[0])/thesis.tex", [1])
        let lock = try RunLock(runDirectory: runDirectory)
        let notices = try store.removeLeftovers(holding: lock)
        XCTAssertEqual(notices.count, 4)
        XCTAssertEqual(try names(), foreign)
        XCTAssertEqual(notices.filter { if case .leftoverRemoved = $0 { true } else { false } }.count, 3)
    }

    // MARK: - Inspection

    func testInspectionIsJSONWithSmallValues() throws {
        let report = try save(7)
        let inspection = CheckpointInspection(try CheckpointStore.load(report.directory))
        let text = try CheckpointJSON.text(of: inspection)
        let json = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        XCTAssertEqual(json["step"] as? Int, 7)
        let state = try XCTUnwrap(json["state"] as? [[String: Any]])
        XCTAssertEqual(state.map { $0["path"] as? String }, Fixtures.runState(step: 7).paths)
        let multipliers = try XCTUnwrap(state.first { $0["path"] as? String == "duals/multipliers" })
        XCTAssertEqual(multipliers["value"] as? [Double], [0.25, 7])
        let weights = try XCTUnwrap(state.first { $0["path"] as? String == "model/blocks.0.weight" })
        XCTAssertNil(weights["value"])
        XCTAssertEqual(weights["shape"] as? [Int], [6, 8])
        XCTAssertEqual(
            try CheckpointJSON.text(of: [Double.nan, .infinity]), "[\n  \"NaN\",\n  \"Infinity\"\n]")
    }
}
