import Foundation

/// How far a loop has come, how fast it goes and how long it will still take.
///
/// On a terminal one line is redrawn at most ten times a second; elsewhere a plain line appears at every
/// tenth of the way, but not within 5 s of the one before, and after 30 s in any case. The rate is the work
/// done divided by the time it took, both forgotten exponentially with a time constant of 20 s, so the time
/// left follows changes of speed without jumping.
public final class ProgressBar {
    private let label: String
    private let total: Int
    private let console: Console
    private let clock: () -> Double
    private let startTime: Double
    private let startCount: Int

    private var completed: Int
    private var measuredAt: Double
    private var recentWork = 0.0
    private var recentTime = 0.0
    private var shownAt: Double
    private var shownTenth: Int

    private static let timeConstant = 20.0
    private static let redrawInterval = 0.1
    private static let tenthInterval = 5.0
    private static let lineInterval = 30.0

    /// - Parameters:
    ///   - total: what `update` counts up to.
    ///   - start: where a resumed loop begins; what was done before does not count as speed.
    ///   - clock: seconds that never go back.
    public init(
        label: String, total: Int, start: Int = 0, console: Console,
        clock: @escaping () -> Double = { ProcessInfo.processInfo.systemUptime }
    ) {
        precondition(
            total > 0 && (0...total).contains(start),
            "ProgressBar: got start \(start) of \(total), expected 0 <= start <= total and total > 0")
        self.label = label
        self.total = total
        self.console = console
        self.clock = clock
        startTime = clock()
        startCount = start
        completed = start
        measuredAt = startTime
        shownAt = startTime
        shownTenth = start * 10 / total
    }

    /// Tells that `count` of the total are done.
    /// - Parameter note: a few words for the end of the line, such as the current loss.
    public func update(_ count: Int, note: String = "") {
        let now = clock()
        measure(count, now: now)
        let tenth = completed * 10 / total
        let pause = now - shownAt
        let isDue =
            console.isTerminal
            ? pause >= Self.redrawInterval || completed == total
            : completed < total && (pause >= (tenth > shownTenth ? Self.tenthInterval : Self.lineInterval))
        guard isDue else { return }
        shownAt = now
        shownTenth = tenth
        if console.isTerminal {
            console.redraw(redrawnLine(now: now, note: note))
        } else {
            console.write(plainLine(now: now, note: note))
        }
    }

    /// Removes the redrawn line and leaves one that says how long it took.
    public func finish() {
        console.redraw("")
        let elapsed = clock() - startTime
        let rate = elapsed > 0 ? ", " + rateText(Double(completed - startCount) / elapsed) : ""
        console.write("\(label): \(completed)/\(total) in \(NumberText.clock(elapsed))\(rate)")
    }

    private func measure(_ count: Int, now: Double) {
        let elapsed = max(now - measuredAt, 0)
        let kept = exp(-elapsed / Self.timeConstant)
        recentWork = recentWork * kept + Double(max(count - completed, 0))
        recentTime = recentTime * kept + elapsed
        completed = min(max(count, 0), total)
        measuredAt = now
    }

    private var percentage: String { "\(completed * 100 / total) %" }

    private func times(now: Double) -> String {
        let elapsed = NumberText.clock(now - startTime) + " elapsed"
        guard recentWork > 0, recentTime > 0 else { return elapsed }
        let rate = recentWork / recentTime
        let left = NumberText.clock(Double(total - completed) / rate) + " left"
        return "\(rateText(rate)), \(elapsed), \(left)"
    }

    private func rateText(_ rate: Double) -> String {
        rate >= 1 || rate == 0
            ? NumberText.significant(rate, digits: 3) + "/s"
            : NumberText.significant(1 / rate, digits: 3) + " s each"
    }

    private func plainLine(now: Double, note: String) -> String {
        let fields = ["\(label): \(completed)/\(total) (\(percentage))", times(now: now), note]
        return fields.filter { !$0.isEmpty }.joined(separator: ", ")
    }

    private func redrawnLine(now: Double, note: String) -> String {
        let share = String(repeating: " ", count: max(5 - percentage.count, 0)) + percentage
        let tail = "\(completed)/\(total)  \(times(now: now))" + (note.isEmpty ? "" : "  \(note)")
        let room = console.width - 1 - label.count - share.count - tail.count - 6
        guard room >= 8 else { return "\(label) \(share)  \(tail)" }
        let length = min(room, 30)
        let filled = length * completed / total
        let bar = String(repeating: "━", count: filled) + String(repeating: "─", count: length - filled)
        return "\(label) \(share)  \(bar)  \(tail)"
    }
}
