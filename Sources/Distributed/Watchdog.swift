/// Knows how long a rank spends in collective calls, and reports from a thread when it makes no progress through them.
final class Watchdog: Sendable {
    private let progress: Progress
    private let thread: RunningThread?

    /// - Parameter limit: seconds without progress before a report; nil for none ever.
    init(limit: Double?, report: @escaping @Sendable (String) -> Void) {
        let progress = Progress()
        self.progress = progress
        thread = limit.map { limit in RunningThread { progress.reportStalls(limit: limit, report) } }
    }

    deinit {
        progress.stop()
        thread?.join()
    }

    /// Seconds that this rank has spent in collective calls, waits for others included.
    var secondsInCalls: Double { progress.secondsInCalls }

    func watch<Result>(_ call: Collective, _ body: () throws -> Result) rethrows -> Result {
        progress.enter(call)
        defer { progress.leave() }
        return try body()
    }
}

/// Where a rank is among its collective calls.
private final class Progress: @unchecked Sendable {
    private let condition = Condition()
    // All that follows is guarded by `condition`.
    private var call: Collective?
    private var isInside = false
    private var calls = 0
    private var since = ContinuousClock.now
    /// Seconds after `since` at which the last report was made.
    private var reportedUntil = 0.0
    private var isStopped = false
    private var inside = 0.0

    var secondsInCalls: Double { condition.withLock { inside } }

    func enter(_ call: Collective) {
        condition.withLock {
            self.call = call
            isInside = true
            calls += 1
            since = .now
            reportedUntil = 0
        }
    }

    func leave() {
        condition.withLock {
            isInside = false
            inside += since.duration(to: .now) / .seconds(1)
            since = .now
            reportedUntil = 0
        }
    }

    func stop() {
        condition.withLock {
            isStopped = true
            condition.wakeAll()
        }
    }

    /// Reports until stopped; outside the lock, so that a slow terminal does not hold up the rank.
    func reportStalls(limit: Double, _ report: (String) -> Void) {
        while let position = nextStall(limit: limit) { report(position) }
    }

    /// Waits until the rank has not moved for `limit` seconds, or for as long again since the last report.
    private func nextStall(limit: Double) -> String? {
        condition.withLock {
            while !isStopped {
                let elapsed = since.duration(to: .now) / .seconds(1)
                if elapsed >= reportedUntil + limit {
                    reportedUntil = elapsed
                    return position(after: elapsed)
                }
                condition.wait(seconds: limit / 4)
            }
            return nil
        }
    }

    private func position(after elapsed: Double) -> String {
        let seconds = (elapsed * 10).rounded() / 10
        guard let call else { return "no collective call yet, for \(seconds) s" }
        let place = isInside ? "waiting in" : "computing since it left"
        return "\(place) \(call) (collective \(calls)), for \(seconds) s"
    }
}
