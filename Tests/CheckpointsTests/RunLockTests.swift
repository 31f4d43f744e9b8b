import Checkpoints
import Foundation
import XCTest

final class RunLockTests: RunDirectoryTestCase {
    func testSecondJobIsRefusedByTheNameOfTheFirst() throws {
        let lock = try RunLock(runDirectory: runDirectory)
        XCTAssertThrowsError(try RunLock(runDirectory: runDirectory + "/")) { error in
            XCTAssertEqual((error as? CheckpointError)?.category, .busy)
            XCTAssertTrue("\(error)".contains(lock.holder.description), "\(error)")
            XCTAssertFalse("\(error)".contains("delete"), "\(error)")
        }
        lock.release()
        lock.release()
        try RunLock(runDirectory: runDirectory).release()
    }

    func testLockEndsWithItsOwner() throws {
        do { _ = try RunLock(runDirectory: runDirectory) }
        _ = try RunLock(runDirectory: runDirectory)
    }

    func testRunDirectoryIsCreated() throws {
        let lock = try RunLock(runDirectory: runDirectory + "/a/b")
        XCTAssertEqual(lock.runDirectory, runDirectory + "/a/b")
        XCTAssertTrue(FileManager.default.fileExists(atPath: runDirectory + "/a/b/.lock"))
    }

    func testNameOfAKilledHolderIsNoObstacle() throws {
        for text in [
            "{\"host\":\"gone\",\"pid\":1,\"restarts\":0,\"started\":\"2020-01-01T00:00:00Z\"}", "garbage",
            "",
        ] {
            try overwrite(runDirectory + "/.lock", Array(text.utf8))
            try RunLock(runDirectory: runDirectory).release()
        }
    }

    func testPlacesThatTakeNoLock() throws {
        try overwrite(runDirectory + "/file", [1])
        symlink("/nowhere/else", runDirectory + "/linked")
        for place in ["/file", "/file/below", "/linked"] {
            XCTAssertThrowsError(try RunLock(runDirectory: runDirectory + place), place) {
                XCTAssertEqual(($0 as? CheckpointError)?.category, .cannotWrite, "\($0)")
            }
        }
    }

    /// Who counts as gone where the file system has no locks.
    func testWhoIsGone() throws {
        let here = WriterIdentity(host: "node1", pid: getpid(), job: "7", restarts: 2, started: "")
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/bin/true")
        try child.run()
        child.waitUntilExit()
        let rows: [(String, Int32, String?, Int, Bool)] = [
            ("node1", child.processIdentifier, nil, 0, true),
            ("node1", getppid(), nil, 0, false),
            ("node2", child.processIdentifier, nil, 0, false),
            ("node2", 1, "7", 1, true),
            // Another step of the same job as it runs now.
            ("node2", 1, "7", 2, false),
            ("node2", 1, "8", 1, false),
            ("node1", getpid(), nil, 0, true),
            ("node1", 0, nil, 0, false),
            ("node1", -1, nil, 0, false),
        ]
        for (host, pid, job, restarts, gone) in rows {
            let other = WriterIdentity(host: host, pid: pid, job: job, restarts: restarts, started: "")
            XCTAssertEqual(other.isGone(seenBy: here), gone, "\(other)")
        }
    }
}
