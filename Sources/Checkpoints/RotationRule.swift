/// Which checkpoints of a run stay.
public struct RotationRule: Sendable, Equatable {
    /// The newest this many whole checkpoints stay; at least 1.
    public let keepLatest: Int
    /// Checkpoints of steps divisible by this stay for ever; nil for none.
    public let permanentEvery: Int?

    public init(keepLatest: Int, permanentEvery: Int? = nil) {
        precondition(keepLatest >= 1, "RotationRule: got keepLatest \(keepLatest), expected 1 or more")
        precondition(
            permanentEvery ?? 1 >= 1,
            "RotationRule: got permanentEvery \(permanentEvery ?? 0), expected 1 or more")
        self.keepLatest = keepLatest
        self.permanentEvery = permanentEvery
    }

    /// The steps whose checkpoints may go, oldest first: not `saved`, which was just written, not permanent,
    /// and older than `keepLatest` whole ones.
    ///
    /// Damaged checkpoints do not count. `isWhole` is asked from the newest on, only as long as the answer
    /// matters.
    public func expendable(steps: [Int], saved: Int, isWhole: (Int) -> Bool) -> [Int] {
        var wholeNewer = 0
        var expendable: [Int] = []
        for step in steps.sorted(by: >) {
            if wholeNewer < keepLatest {
                if isWhole(step) { wholeNewer += 1 }
            } else if step != saved, !isPermanent(step) {
                expendable.append(step)
            }
        }
        return expendable.reversed()
    }

    private func isPermanent(_ step: Int) -> Bool {
        guard let permanentEvery else { return false }
        return step % permanentEvery == 0
    }
}
