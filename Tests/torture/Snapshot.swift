import Checkpoints
import Foundation

/// The checkpoints of a run directory at one moment, by the program's own verification.
struct Snapshot {
    private let directory: String
    /// In the order they were written: those of the fit, then those of the iterations.
    let whole: [String]
    private let broken: Set<String>

    init(_ directory: String) {
        self.directory = directory
        let all = ["\(directory)/preparation", directory].flatMap { place in
            let store = CheckpointStore(runDirectory: place)
            return ((try? store.steps()) ?? []).map(store.directory)
        }
        whole = all.filter { (try? CheckpointStore.verify($0).valid) ?? false }
        broken = Set(all).subtracting(whole)
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
        for isFit in [true, false] {
            let count = { (snapshot: Snapshot) in
                snapshot.whole.count { $0.contains("/preparation/") == isFit }
            }
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
        guard !hasWorked || ending.says("resuming from \(newest)\n") else {
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
        let key = { (path: String) in
            (path.contains("/preparation/") ? 0 : 1, Int(path.split(separator: "-").last ?? "") ?? -1)
        }
        return key(checkpoint) > key(other)
    }
}
