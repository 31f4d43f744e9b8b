import Checkpoints
import Foundation
import XCTest

/// A directory that takes no more data: a typed error, nothing unfinished left, older checkpoints intact.
final class WriteFailureTests: RunDirectoryTestCase {
    /// A limit on file size makes writes fail with EFBIG in the middle of a file, each file in turn.
    func testFileSizeLimit() throws {
        signal(SIGXFSZ, SIG_IGN)
        defer { signal(SIGXFSZ, SIG_DFL) }
        try save(1)
        let sizes = try CheckpointStore.load(store.directory(ofStep: 1)).manifest.files.map(\.bytes)
        let lock = try RunLock(runDirectory: runDirectory)
        var unlimited = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &unlimited)
        for limit in Set([0, 1, 100] + sizes.map { $0 - 1 } + sizes).sorted() where limit < (sizes.max() ?? 0)
        {
            var limited = rlimit(rlim_cur: rlim_t(limit), rlim_max: unlimited.rlim_max)
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limited)
            let outcome = Result {
                try store.save(
                    RunDirectoryTestCase.content(2), holding: lock, keeping: RotationRule(keepLatest: 1))
            }
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &unlimited)
            XCTAssertThrowsError(try outcome.get(), "limit \(limit)") {
                XCTAssertEqual(($0 as? CheckpointError)?.category, .cannotWrite)
                XCTAssertTrue("\($0)".contains("errno \(EFBIG)"), "\($0)")
            }
            XCTAssertEqual(try names(), ["checkpoint-1"], "limit \(limit)")
        }
        lock.release()
        XCTAssertEqual(try store.latestWhole().checkpoint?.state, Fixtures.runState(step: 1))
        try save(2)
        XCTAssertEqual(try store.latestWhole().checkpoint?.state, Fixtures.runState(step: 2))
    }

    func testFullDisk() throws {
        let mountPoint = runDirectory + "/disk"
        try FileManager.default.createDirectory(atPath: mountPoint, withIntermediateDirectories: false)
        guard mount("tmpfs", mountPoint, "tmpfs", 0, "size=160k") == 0 else {
            throw XCTSkip("mounting a small file system needs root: errno \(errno)")
        }
        defer { umount2(mountPoint, Int32(MNT_DETACH)) }
        let store = CheckpointStore(runDirectory: mountPoint)
        let lock = try RunLock(runDirectory: mountPoint)
        var saved: [Int] = []
        var failure: (any Error)?
        for step in 1...50 where failure == nil {
            do {
                _ = try store.save(
                    RunDirectoryTestCase.content(step), holding: lock, keeping: RotationRule(keepLatest: 100))
                saved.append(step)
            } catch {
                failure = error
            }
        }
        let error = try XCTUnwrap(failure as? CheckpointError)
        XCTAssertEqual(error.category, .cannotWrite)
        XCTAssertTrue("\(error)".contains("free space or keep fewer checkpoints"), "\(error)")
        XCTAssertGreaterThan(saved.count, 2)
        XCTAssertEqual(
            try FileManager.default.contentsOfDirectory(atPath: mountPoint).filter { $0 != ".lock" }.sorted(),
            saved.map { "checkpoint-\($0)" }.sorted())
        for step in saved { XCTAssertTrue(try CheckpointStore.verify(store.directory(ofStep: step)).valid) }
    }

    func testReadOnlyDisk() throws {
        let mountPoint = runDirectory + "/disk"
        try FileManager.default.createDirectory(atPath: mountPoint, withIntermediateDirectories: false)
        guard mount("tmpfs", mountPoint, "tmpfs", UInt(MS_RDONLY), nil) == 0 else {
            throw XCTSkip("mounting a read-only file system needs root: errno \(errno)")
        }
        defer { umount2(mountPoint, Int32(MNT_DETACH)) }
        XCTAssertThrowsError(try RunLock(runDirectory: mountPoint)) {
            XCTAssertEqual(
                $0 as? CheckpointError,
                .writeFailed(operation: "create", path: mountPoint + "/.lock", code: EROFS))
        }
    }

    func testRunDirectoryThatVanished() throws {
        let inner = runDirectory + "/inner"
        let lock = try RunLock(runDirectory: inner)
        try FileManager.default.removeItem(atPath: inner)
        XCTAssertThrowsError(
            try CheckpointStore(runDirectory: inner).save(
                RunDirectoryTestCase.content(1), holding: lock, keeping: RotationRule(keepLatest: 1))
        ) { XCTAssertEqual(($0 as? CheckpointError)?.category, .cannotWrite) }
    }

    func testUnstorableStateIsNamed() throws {
        var state = StateTree()
        state["run/name"] = .text("\0")
        let lock = try RunLock(runDirectory: runDirectory)
        XCTAssertThrowsError(
            try store.save(
                CheckpointContent(step: 1, state: state, configuration: "", saddleVersion: "1"),
                holding: lock,
                keeping: RotationRule(keepLatest: 1))
        ) { XCTAssertTrue("\($0)".contains("run/name"), "\($0)") }
        XCTAssertEqual(try names(), [])
    }
}
