/// Seconds that undisturbed starts take at present: other work on the machine comes and goes.
final class Pace {
    private var seconds: [String: Double] = [:]

    func expected(_ start: Start) -> Double { seconds[key(start)] ?? 1 }

    /// An average in which earlier starts count ever less.
    func learn(_ start: Start, _ latest: Double) {
        seconds[key(start)] = seconds[key(start)].map { ($0 + latest) / 2 } ?? latest
    }

    private func key(_ start: Start) -> String { "\(start.job.name) on \(start.ranks)" }
}
