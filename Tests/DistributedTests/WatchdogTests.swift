import Distributed
import Foundation
import Synchronization
import XCTest

final class WatchdogTests: XCTestCase {
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        func append(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    func testEachRankSaysWhereItIs() throws {
        let lines = Lines()
        _ = try ThreadCommunicator.run(ranks: 3) { comm in
            let watched = WatchedCommunicator(comm, limit: 0.1, report: lines.append)
            // Groups report through the communicator they come from.
            let group = try watched.split(color: 0, key: 0)
            _ = try group.allReduce(Int64(1), .sum)
            if comm.rank == 1 { Thread.sleep(forTimeInterval: 0.5) }
            try group.barrier()
        }
        for rank in [0, 2] {
            let waiting = "[rank \(rank)/3] waiting in barrier (collective 3), for "
            XCTAssert(lines.all.contains { $0.hasPrefix(waiting) }, "\(lines.all)")
        }
        let computing = "[rank 1/3] computing since it left allReduce(sum, 1 × int64) (collective 2), for "
        XCTAssert(lines.all.contains { $0.hasPrefix(computing) }, "\(lines.all)")
    }

    func testProgressIsNotReported() throws {
        let lines = Lines()
        _ = try ThreadCommunicator.run(ranks: 2) { comm in
            let watched = WatchedCommunicator(comm, limit: 2, report: lines.append)
            for _ in 0..<50 { try watched.barrier() }
        }
        XCTAssertEqual(lines.all, [])
    }
}
