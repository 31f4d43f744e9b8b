import Checkpoints
import XCTest

final class RotationRuleTests: XCTestCase {
    private struct Row {
        let keepLatest: Int
        var permanentEvery: Int?
        let steps: [Int]
        let saved: Int
        var damaged: Set<Int> = []
        let expendable: [Int]
    }

    func testTable() {
        let rows = [
            Row(keepLatest: 2, steps: [10], saved: 10, expendable: []),
            Row(keepLatest: 2, steps: [10, 20, 30, 40], saved: 40, expendable: [10, 20]),
            Row(keepLatest: 1, steps: [10, 20, 30], saved: 30, expendable: [10, 20]),
            // Damaged ones do not count among the latest.
            Row(keepLatest: 2, steps: [10, 20, 30, 40], saved: 40, damaged: [30], expendable: [10]),
            Row(keepLatest: 2, steps: [10, 20, 30, 40], saved: 40, damaged: [20, 30], expendable: []),
            // Damaged ones older than the kept whole ones go.
            Row(keepLatest: 1, steps: [10, 20, 30], saved: 30, damaged: [10], expendable: [10, 20]),
            Row(
                keepLatest: 1, permanentEvery: 100, steps: [90, 100, 110, 200, 210, 220], saved: 220,
                expendable: [90, 110, 210]),
            // A permanent one among the latest counts as one of them.
            Row(
                keepLatest: 2, permanentEvery: 100, steps: [80, 90, 100, 110], saved: 110,
                expendable: [80, 90]),
            Row(keepLatest: 1, permanentEvery: 10, steps: [0, 5, 10], saved: 10, expendable: [5]),
            // Newer ones of another history do not push out the one just saved.
            Row(keepLatest: 1, steps: [10, 20, 30], saved: 20, expendable: [10]),
            Row(keepLatest: 5, steps: [], saved: 1, expendable: []),
        ]
        for (index, row) in rows.enumerated() {
            let rule = RotationRule(keepLatest: row.keepLatest, permanentEvery: row.permanentEvery)
            let expendable = rule.expendable(steps: row.steps, saved: row.saved) { !row.damaged.contains($0) }
            XCTAssertEqual(expendable, row.expendable, "row \(index)")
        }
    }

    func testWholeOnesNewerThanThoseKeptAreNotReadTwice() {
        var asked: [Int] = []
        _ = RotationRule(keepLatest: 2).expendable(steps: [1, 2, 3, 4, 5], saved: 5) {
            asked.append($0)
            return true
        }
        XCTAssertEqual(asked, [5, 4])
    }

    /// Whatever is damaged, keepLatest whole ones stay, or all there are.
    func testWholeOnesAlwaysStay() {
        var random = SplitMix(state: 5)
        for _ in 0..<2_000 {
            let steps = (0..<8).filter { _ in Bool.random(using: &random) }
            guard let saved = steps.randomElement(using: &random) else { continue }
            let whole = Set(steps.filter { $0 == saved || Bool.random(using: &random) })
            let keepLatest = Int.random(in: 1...3, using: &random)
            let gone = RotationRule(keepLatest: keepLatest).expendable(steps: steps, saved: saved) {
                whole.contains($0)
            }
            XCTAssertFalse(gone.contains(saved))
            XCTAssertGreaterThanOrEqual(whole.subtracting(gone).count, min(keepLatest, whole.count))
        }
    }
}
