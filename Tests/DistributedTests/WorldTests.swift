import Distributed
import XCTest

/// `World.run` in a job of one rank; MPITests has the others.
final class WorldTests: XCTestCase {
    private struct Fault: Error, CustomStringConvertible {
        let description = "no such file"
    }

    private func run(
        _ environment: [String: String] = [:], _ body: (any Communicator) throws -> Int32
    ) -> (code: Int32, lines: [String]) {
        var lines: [String] = []
        let code = World.run(
            environment: environment, exitCode: { $0 is Fault ? 66 : internalFailure },
            report: { lines.append($0) }, body)
        return (code, lines)
    }

    func testTheBodysCodeIsReturned() {
        let (code, lines) = run { _ in 75 }
        XCTAssertEqual(code, 75)
        XCTAssertEqual(lines, [])
    }

    func testAgreedErrorsBecomeExitCodes() {
        let together = run { comm in
            try comm.failTogether(exitCode: { _ in 65 }) { throw Fault() }
        }
        XCTAssertEqual(together.code, 65)
        XCTAssertEqual(together.lines, ["no such file"])

        let layout = run { comm in
            _ = try RankLayout(ranks: 4, items: 2, shards: 3)
            return 0
        }
        XCTAssertEqual(layout.code, internalFailure)
        let remedy = "set it to one of 1, 2, 4, or start a multiple of 3 ranks"
        XCTAssertEqual(layout.lines, ["ranks.shards: 4 ranks cannot form groups of 3; " + remedy])
    }

    func testABadStartIsReportedWithTheRank() {
        let (code, lines) = run(["RANK": "1", "WORLD_SIZE": "2"]) { _ in 0 }
        XCTAssertEqual(code, internalFailure)
        XCTAssertEqual(lines.count, 1)
        XCTAssert(lines.first?.hasPrefix("[rank 1/2] torchrun says") ?? false, "\(lines)")
    }

    func testTheWatchdogIsSetByTheEnvironment() throws {
        XCTAssert(try World.open(environment: [World.watchdogVariable: "60"]) is WatchedCommunicator)
        XCTAssert(try World.open(environment: [World.watchdogVariable: "0"]) is SingleCommunicator)
        for value in ["-1", "soon", "nan"] {
            XCTAssertThrowsError(try World.open(environment: [World.watchdogVariable: value])) {
                XCTAssert("\($0)".contains("SADDLE_WATCHDOG_SECONDS is \"\(value)\""), "\($0)")
            }
        }
    }
}
