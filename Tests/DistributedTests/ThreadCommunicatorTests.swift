import Distributed
import Synchronization
import XCTest

final class ThreadCommunicatorTests: XCTestCase {
    private struct Fault: Error, Equatable {
        let rank: Int
    }

    func testResultsComeByRank() throws {
        XCTAssertEqual(try ThreadCommunicator.run(ranks: 5) { $0.rank * $0.rank }, [0, 1, 4, 9, 16])
    }

    func testTheFirstErrorEndsRanksThatWait() {
        for ranks in [1, 2, 3, 8] {
            for failing in 0..<ranks {
                let others = Mutex<[CommunicationError]>([])
                XCTAssertThrowsError(
                    try ThreadCommunicator.run(ranks: ranks) { comm in
                        if comm.rank == failing { throw Fault(rank: failing) }
                        do {
                            try comm.barrier()
                        } catch let error as CommunicationError {
                            others.withLock { $0.append(error) }
                            throw error
                        }
                    }
                ) { XCTAssertEqual($0 as? Fault, Fault(rank: failing)) }
                let expected = Array(
                    repeating: CommunicationError.peerFailed(rank: failing), count: ranks - 1)
                XCTAssertEqual(others.withLock { $0 }, expected)
            }
        }
    }

    func testAFailureReachesGroupsItIsNotPartOf() {
        XCTAssertThrowsError(
            try ThreadCommunicator.run(ranks: 4) { comm in
                let group = try comm.split(color: comm.rank / 2, key: 0)
                if comm.rank == 3 { throw Fault(rank: 3) }
                // Ranks 0 and 1 go on until they notice; rank 2 waits for rank 3.
                while true { try group.barrier() }
            }
        ) { XCTAssertEqual($0 as? Fault, Fault(rank: 3)) }
    }

    func testWorkDoneBeforeTheFailureStands() throws {
        let sums = Mutex<[Int64]>([])
        XCTAssertThrowsError(
            try ThreadCommunicator.run(ranks: 3) { comm in
                let sum = try comm.allReduce(Int64(comm.rank), .sum)
                sums.withLock { $0.append(sum) }
                try comm.barrier()
                if comm.rank == 0 { throw Fault(rank: 0) }
                try comm.barrier()
            })
        XCTAssertEqual(sums.withLock { $0 }, [3, 3, 3])
    }

    func testARankThatEndsEarlyIsNamed() {
        XCTAssertThrowsError(
            try ThreadCommunicator.run(ranks: 3) { comm in
                if comm.rank != 1 { try comm.barrier() }
            }
        ) { XCTAssertEqual($0 as? CommunicationError, .peerLeft(rank: 1, call: "barrier")) }
    }

    func testDifferentCallsAreNamed() {
        XCTAssertThrowsError(
            try ThreadCommunicator.run(ranks: 2) { comm in
                if comm.rank == 0 {
                    _ = try comm.allReduce(Float(1), .sum)
                } else {
                    _ = try comm.allReduce(Double(1), .sum)
                }
            }
        ) {
            let calls = ["allReduce(sum, 1 × float)", "allReduce(sum, 1 × double)"]
            XCTAssertEqual($0 as? CommunicationError, .mismatch(calls: calls))
        }
    }

    func testDifferentLengthsAreNamed() {
        XCTAssertThrowsError(
            try ThreadCommunicator.run(ranks: 2) { comm in
                var values = [Float](repeating: 1, count: 2 + comm.rank)
                try comm.allReduce(&values, .sum)
            }
        ) {
            let calls = ["allReduce(sum, 2 × float)", "allReduce(sum, 3 × float)"]
            XCTAssertEqual($0 as? CommunicationError, .mismatch(calls: calls))
        }
    }

    func testManyMeetingsInDifferentGroupsDoNotMix() throws {
        let sums = try ThreadCommunicator.run(ranks: 6) { comm in
            let row = try comm.split(color: comm.rank / 3, key: 0)
            let column = try comm.split(color: comm.rank % 3, key: 0)
            return try (0..<500).map { step in
                let inRow = try row.allReduce(Int64(comm.rank + step), .sum)
                return try column.allReduce(inRow, .maximum)
            }
        }
        // The second row, ranks 3, 4, 5, has the larger sum in every column.
        let expected = (0..<500).map { Int64(12 + 3 * $0) }
        XCTAssertEqual(sums, Array(repeating: expected, count: 6))
    }
}
