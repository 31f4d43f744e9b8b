import Foundation
import Telemetry
import XCTest

final class ProgressBarTests: XCTestCase {
    /// A clock that stands still until told otherwise, and what a console was told to show.
    private final class Bench {
        var time = 1000.0
        var pieces: [String] = []

        func console(isTerminal: Bool, width: Int = 100) -> Console {
            Console(isTerminal: isTerminal, width: width) { [unowned self] in pieces.append($0) }
        }

        func clock() -> () -> Double { { [unowned self] in time } }
    }

    func testTerminalLine() {
        let bench = Bench()
        let bar = ProgressBar(
            label: "primal", total: 400, console: bench.console(isTerminal: true), clock: bench.clock())
        bench.time += 10
        bar.update(100, note: "loss 0.5")
        XCTAssertEqual(
            bench.pieces,
            ["primal  25 %  ━━━━━━━───────────────────────  100/400  10/s, 0:10 elapsed, 0:30 left  loss 0.5"]
        )
    }

    func testTerminalRedrawsTheSameLineAtMostTenTimesASecond() {
        let bench = Bench()
        let bar = ProgressBar(
            label: "x", total: 1000, console: bench.console(isTerminal: true), clock: bench.clock())
        for step in 1...1000 {
            bench.time += 0.01
            bar.update(step)
        }
        XCTAssertLessThanOrEqual(bench.pieces.count, 101)
        XCTAssertGreaterThan(bench.pieces.count, 80)
        XCTAssertTrue(
            bench.pieces.dropFirst().allSatisfy { $0.hasPrefix("\r\u{1B}[K") && !$0.contains("\n") })
        bar.finish()
        XCTAssertEqual(bench.pieces.suffix(2), ["\r\u{1B}[K", "x: 1000/1000 in 0:10, 100/s\n"])
    }

    func testLinesThatStayGoAboveTheBar() {
        let bench = Bench()
        let console = bench.console(isTerminal: true, width: 30)
        let bar = ProgressBar(label: "x", total: 4, console: console, clock: bench.clock())
        bench.time += 1
        bar.update(1)
        let line = bench.pieces[0]
        XCTAssertEqual(line.count, 29, "cut so that it cannot wrap")
        console.write("row")
        XCTAssertEqual(bench.pieces[1], "\r\u{1B}[Krow\n" + line)
    }

    func testPlainLinesAtTenths() {
        let bench = Bench()
        let bar = ProgressBar(
            label: "x", total: 1000, console: bench.console(isTerminal: false), clock: bench.clock())
        for step in 1...1000 {
            bench.time += 0.25
            bar.update(step)
        }
        let expected = (1...9).map { tenth in
            let elapsed = NumberText.clock(Double(25 * tenth))
            let left = NumberText.clock(Double(250 - 25 * tenth))
            return "x: \(tenth * 100)/1000 (\(tenth * 10) %), 4/s, \(elapsed) elapsed, \(left) left\n"
        }
        XCTAssertEqual(bench.pieces, expected)
    }

    func testShortLoopsDoNotFillTheLog() {
        let bench = Bench()
        let bar = ProgressBar(
            label: "x", total: 1000, console: bench.console(isTerminal: false), clock: bench.clock())
        for step in 1...1000 {
            bench.time += 0.004
            bar.update(step)
        }
        bar.finish()
        XCTAssertEqual(bench.pieces, ["x: 1000/1000 in 0:04, 250/s\n"])
    }

    func testClock() {
        let seconds = [0, 9.4, 59.6, 725, 10929, -1, .nan, .infinity]
        let expected = ["0:00", "0:09", "1:00", "12:05", "3:02:09", "?", "?", "?"]
        XCTAssertEqual(seconds.map(NumberText.clock), expected)
    }

    func testPlainLinesEveryHalfMinuteWhenSlow() {
        let bench = Bench()
        let bar = ProgressBar(
            label: "x", total: 100_000, console: bench.console(isTerminal: false), clock: bench.clock())
        for step in 1...100 {
            bench.time += 1
            bar.update(step)
        }
        XCTAssertEqual(bench.pieces.count, 3)
        XCTAssertEqual(bench.pieces.first, "x: 30/100000 (0 %), 1/s, 0:30 elapsed, 27:46:10 left\n")
    }

    /// Half the way at 10/s, then 1/s: the estimate follows to the new speed within a few time constants.
    func testTimeLeftFollowsTheSpeed() {
        let bench = Bench()
        let bar = ProgressBar(
            label: "x", total: 1000, console: bench.console(isTerminal: true), clock: bench.clock())
        for step in 1...500 {
            bench.time += 0.1
            bar.update(step)
        }
        for step in 501...600 {
            bench.time += 1
            bar.update(step)
        }
        // After 100 s the old speed weighs little: (1 + 9 e⁻⁵ (1 − e⁻²·⁵)) / s, so the other 400 take about
        // 379 s.
        let line = bench.pieces.last ?? ""
        XCTAssertTrue(line.hasSuffix("600/1000  1.05/s, 2:30 elapsed, 6:19 left"), line)
    }

    func testResumedLoopDoesNotCountEarlierWorkAsSpeed() {
        let bench = Bench()
        let bar = ProgressBar(
            label: "x", total: 100, start: 80, console: bench.console(isTerminal: false), clock: bench.clock()
        )
        bench.time += 20
        bar.update(90)
        XCTAssertEqual(bench.pieces, ["x: 90/100 (90 %), 2 s each, 0:20 elapsed, 0:20 left\n"])
    }

    func testStandingClockAndNoWork() {
        let bench = Bench()
        let bar = ProgressBar(
            label: "x", total: 10, console: bench.console(isTerminal: false), clock: bench.clock())
        bar.update(5)
        bar.update(10)
        bar.finish()
        XCTAssertEqual(bench.pieces, ["x: 10/10 in 0:00\n"])
    }
}
