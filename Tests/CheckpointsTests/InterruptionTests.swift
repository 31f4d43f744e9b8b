import Checkpoints
import Foundation
import XCTest

final class InterruptionTests: RunDirectoryTestCase {
    func testRequestsAreSeenAndForgotten() throws {
        let monitor = InterruptionMonitor(runDirectory: runDirectory)
        XCTAssertNil(monitor.pending())
        try overwrite(runDirectory + "/STOP", [])
        XCTAssertEqual(monitor.pending(), .stopFile)
        kill(getpid(), SIGUSR1)
        XCTAssertEqual(monitor.pending(), .userSignal)
        kill(getpid(), SIGTERM)
        XCTAssertEqual(monitor.pending(), .terminated)
        try monitor.acknowledge()
        XCTAssertNil(monitor.pending())
        XCTAssertEqual(try names(), [])
        try monitor.acknowledge()
        signal(SIGUSR1, SIG_DFL)
        signal(SIGTERM, SIG_DFL)
    }
}
