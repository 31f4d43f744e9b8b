import Checkpoints
import Foundation

/// The checkpoints of a run directory at one moment, by the program's own verification.
struct Snapshot {
    private let directory: String
    /// In the order they were written: before the iterations, those of the iterations, after the last of them.
    let whole: [String]
    private let broken: Set<String>

    init(_ directory: String) {
        self.directory = directory
        var whole: [String] = []
        var broken: Set<String> = []
        let add = { (place: String, counts: Bool) in
            let store = CheckpointStore(runDirectory: place)
            for checkpoint in ((try? store.steps()) ?? []).map(store.directory) {
                if (try? CheckpointStore.verify(checkpoint).valid) ?? false {
                    if counts { whole.append(checkpoint) }
                } else {
                    broken.insert(checkpoint)
                }
            }
        }
        add("\(directory)/preparation", true)
        add(directory, true)
        // What comes after the iterations goes on from the newest whole checkpoint of them, and only from that.
        let newest = whole.last.flatMap { Phase($0) == .iterations ? Snapshot.step($0) : nil }
        let conclusions = "\(directory)/conclusion"
        for name in (try? FileManager.default.contentsOfDirectory(atPath: conclusions)) ?? [] {
            add("\(conclusions)/\(name)", Int(name) == newest)
        }
        (self.whole, self.broken) = (whole, broken)
    }

    private enum Phase: Int, CaseIterable {
        case preparation, iterations, conclusion

        init(_ checkpoint: String) {
            self =
                checkpoint.contains("/preparation/")
                ? .preparation : checkpoint.contains("/conclusion/") ? .conclusion : .iterations
        }
    }

    private static func step(_ checkpoint: String) -> Int {
        Int(checkpoint.split(separator: "-").last ?? "") ?? -1
    }

    /// Whether there were checkpoints and none is whole.
    var isDestroyed: Bool { whole.isEmpty && !broken.isEmpty }

    /// Compares with the snapshot after a start.
    ///
    /// - Throws: `Loss` if that start crashed, tore a checkpoint, took good ones away, or went on from another than
    ///   the newest whole one.
    func check(_ ending: Ending, _ after: Snapshot) throws {
        for trace in ["Fatal error", "crashed", "Segmentation fault", "Illegal instruction", "free():"]
        where ending.says(trace) {
            throw Loss("crash: \(ending)")
        }
        let torn = after.broken.subtracting(broken)
        guard torn.isEmpty else { throw Loss("torn checkpoint \(torn.sorted()): \(ending)") }
        try checkKept(after, ending)
        try checkResumed(ending)
        if ending.exitCode == 75 { try checkSaved(after, ending) }
    }

    private func checkKept(_ after: Snapshot, _ ending: Ending) throws {
        if let newest = whole.last {
            guard let last = after.whole.last, last == newest || isNewer(last, than: newest) else {
                throw Loss("\(newest) is gone, the newest is \(after.whole.last ?? "none"): \(ending)")
            }
        }
        for phase in Phase.allCases {
            let count = { (snapshot: Snapshot) in snapshot.whole.count { Phase($0) == phase } }
            guard count(after) >= min(2, count(self)) else {
                throw Loss("of \(whole) only \(after.whole) are left: \(ending)")
            }
        }
    }

    private func checkResumed(_ ending: Ending) throws {
        guard let newest = whole.last else {
            if ending.says("resuming from") { throw Loss("no checkpoint was whole: \(ending)") }
            return
        }
        let hasWorked = [0, 75].contains(ending.exitCode) || ending.says("resuming from")
        guard !hasWorked || ending.says("from \(newest)\n") else {
            throw Loss("did not resume from \(newest): \(ending)")
        }
    }

    private func checkSaved(_ after: Snapshot, _ ending: Ending) throws {
        guard let newest = after.whole.last, ending.says("interrupted: \(newest) is written") else {
            throw Loss("\(after.whole.last ?? "nothing") is the newest: \(ending)")
        }
        guard !FileManager.default.fileExists(atPath: "\(directory)/STOP") else {
            throw Loss("STOP was left")
        }
    }

    private func isNewer(_ checkpoint: String, than other: String) -> Bool {
        let key = { (path: String) in (Phase(path).rawValue, Snapshot.step(path)) }
        return key(checkpoint) > key(other)
    }
}
