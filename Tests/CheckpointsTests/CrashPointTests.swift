import Checkpoints
import Foundation
import XCTest

/// Kills a saving process at every crash point and looks at what is left.
///
/// The process is this very test binary, told by its environment to run `testSaveAsChild` alone.
final class CrashPointTests: RunDirectoryTestCase {
    private static let directoryVariable = "SADDLE_CRASH_TEST_DIRECTORY"
    private static let step = 4

    func testSaveAsChild() throws {
        guard let directory = ProcessInfo.processInfo.environment[CrashPointTests.directoryVariable] else {
            throw XCTSkip("runs only as the child of testKillAtEveryCrashPoint")
        }
        let lock = try RunLock(runDirectory: directory)
        let store = CheckpointStore(runDirectory: directory)
        _ = try store.save(
            RunDirectoryTestCase.content(CrashPointTests.step), holding: lock,
            keeping: RotationRule(keepLatest: 2))
    }

    func testKillAtEveryCrashPoint() throws {
        for point in CrashPoint.allCases {
            for hit in hits(of: point) {
                let context = "\(point.rawValue):\(hit)"
                try prepare()
                let child = try runChild(["SADDLE_TEST_HOOKS": "1", "SADDLE_CRASH_AT": context])
                XCTAssertEqual(child.terminationReason, .uncaughtSignal, context)
                XCTAssertEqual(child.terminationStatus, SIGKILL, context)
                try assertNothingLost(context)
                try assertNextJobWorks(context)
            }
        }
    }

    func testWithoutTestHooksTheVariableIsInert() throws {
        try prepare()
        let child = try runChild(["SADDLE_CRASH_AT": "save-begun:1"])
        XCTAssertEqual(child.terminationReason, .exit)
        XCTAssertEqual(child.terminationStatus, 0)
        XCTAssertEqual(try names(), ["checkpoint-3", "checkpoint-4", "checkpoint-4.damaged"])
    }

    func testUnknownPointEndsTheTestRun() throws {
        try prepare()
        let child = try runChild([
            "SADDLE_TEST_HOOKS": "1", "SADDLE_CRASH_AT": "no-such-point:1", "SWIFT_BACKTRACE": "enable=no",
        ])
        XCTAssertEqual(child.terminationReason, .uncaughtSignal)
    }

    /// Whole checkpoints 1…3 and a damaged 4, so that saving 4 with two to keep takes every step there is.
    private func prepare() throws {
        for name in try names() { try FileManager.default.removeItem(atPath: runDirectory + "/" + name) }
        for step in 1...4 { try save(step) }
        try damage(CrashPointTests.step)
    }

    /// Files written: owner, state, configuration, extra file, manifest.
    ///
    /// Deleted: two checkpoints of four files.
    private func hits(of point: CrashPoint) -> ClosedRange<Int> {
        switch point {
        case .filePartlyWritten: 1...5
        case .trashFileRemoved: 1...8
        case .trashRenamed, .trashRemoved: 1...2
        default: 1...1
        }
    }

    private func runChild(_ variables: [String: String]) throws -> Process {
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        child.arguments = ["CheckpointsTests.CrashPointTests/testSaveAsChild"]
        child.environment = ProcessInfo.processInfo.environment
            .merging([CrashPointTests.directoryVariable: runDirectory]) { $1 }
            .merging(variables) { $1 }
        child.standardOutput = FileHandle.nullDevice
        child.standardError = FileHandle.nullDevice
        try child.run()
        child.waitUntilExit()
        return child
    }

    /// The newest whole checkpoint is 4 or, before its rename, 3; in either case with the right state.
    private func assertNothingLost(_ context: String) throws {
        let checkpoint = try XCTUnwrap(store.latestWhole().checkpoint, context)
        XCTAssertTrue([3, 4].contains(checkpoint.step), context)
        XCTAssertEqual(checkpoint.state, Fixtures.runState(step: checkpoint.step), context)
        XCTAssertTrue(try CheckpointStore.verify(store.directory(ofStep: 3)).valid, context)
    }

    private func assertNextJobWorks(_ context: String) throws {
        let lock = try RunLock(runDirectory: runDirectory)
        defer { lock.release() }
        for notice in try store.removeLeftovers(holding: lock) {
            guard case .leftoverRemoved = notice else { return XCTFail("\(context): \(notice)") }
        }
        for step in [4, 5] {
            _ = try store.save(
                RunDirectoryTestCase.content(step), holding: lock, keeping: RotationRule(keepLatest: 2))
        }
        XCTAssertEqual(try names(), ["checkpoint-4", "checkpoint-4.damaged", "checkpoint-5"], context)
    }
}
