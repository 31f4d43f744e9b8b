import Distributed
import DistributedBattery
import XCTest

/// The battery that mpi-check runs under mpirun, on ranks of this process.
final class BatteryTests: XCTestCase {
    func testSingleCommunicator() throws {
        let comm = SingleCommunicator()
        for check in Check.battery {
            XCTAssertNoThrow(try check.run(comm), check.name)
        }
    }

    func testThreadCommunicator() throws {
        for ranks in [1, 2, 3, 4, 8] {
            for check in Check.battery {
                XCTAssertNoThrow(
                    try ThreadCommunicator.run(ranks: ranks) { try check.run($0) },
                    "\(check.name), \(ranks) ranks")
            }
        }
    }

    func testWatchedCommunicator() throws {
        for check in Check.battery {
            XCTAssertNoThrow(
                try ThreadCommunicator.run(ranks: 3) { try check.run(WatchedCommunicator($0, limit: 60)) },
                check.name)
        }
    }
}
