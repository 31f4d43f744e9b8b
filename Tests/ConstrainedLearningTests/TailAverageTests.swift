import ConstrainedLearning
import XCTest

final class TailAverageTests: XCTestCase {
    func testWindowGrowsWithTheRun() {
        var tail = TailAverage(fraction: 0.5, minimum: 2, maximum: 4)
        var lengths: [Int] = []
        for k in 1...10 {
            tail.append([Double(k), 1])
            lengths.append(tail.length)
        }
        XCTAssertEqual(lengths, [1, 2, 2, 2, 2, 3, 3, 4, 4, 4])
        assertClose(tail.mean, [8.5, 1])
        assertClose(tail.drift, [2, 0])
        XCTAssertEqual(tail.count, 10)
    }

    func testEmpty() {
        let tail = TailAverage()
        XCTAssertEqual(tail.mean, [])
        XCTAssertFalse(tail.isFull)
    }

    func testRestoredContinuesToTheBit() {
        var noise = Noise(seed: 8)
        var tail = TailAverage(fraction: 0.3, minimum: 3, maximum: 7)
        var copy = TailAverage(fraction: 0.3, minimum: 3, maximum: 7)
        for _ in 0..<30 {
            let row = noise.normals(3)
            tail.append(row)
            copy.restore(count: copy.count, rows: copy.rows)
            copy.append(row)
            XCTAssertEqual(tail.mean, copy.mean)
        }
        XCTAssertEqual(tail, copy)
    }

    /// σ/√n for white noise; next to nothing for a straight line with a jump in it.
    func testStandardError() {
        var noise = Noise(seed: 9)
        var tail = TailAverage(fraction: 1, minimum: 2, maximum: 400)
        for k in 0..<400 { tail.append([3 * noise.normal(), 1e-3 * Double(k) + (k < 2 ? 100 : 0)]) }
        assertClose(tail.standardError, [3.0 / 20, 1e-3 / 0.954 / 20], relative: 0.1)
    }
}
