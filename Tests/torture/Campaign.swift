import Foundation

/// Runs, disturbed again and again until each has finished; counts what happened and what was lost.
struct Campaign {
    private(set) var disturbances = 0
    /// Runs that came to their end.
    private(set) var finished = 0
    /// Runs whose checkpoints were all destroyed, and that refused to go on as they should.
    private var refused = 0
    private(set) var losses: [String] = []
    /// How often each disturbance led to which exit code.
    private var tallies: [String: [Int32: Int]] = [:]
    private var damages: [String: Int] = [:]
    private var jobs: [Job]
    private let launcher: Launcher
    private let disk: Disk
    private let seed: UInt64

    init(program: String, disk: Disk, seed: UInt64) throws {
        let scratch = disk.path + "-scratch"
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        launcher = Launcher(program: program, scratch: scratch)
        (self.disk, self.seed, jobs) = (disk, seed, Job.all)
        for index in jobs.indices { try jobs[index].prepare(launcher, in: disk.path) }
    }

    mutating func disturb(times: Int) throws {
        var number: UInt64 = 0
        while disturbances < times {
            number += 1
            var random = SplitMix(state: seed &* 1_000_003 &+ number)
            let job = jobs[Int(number) % jobs.count]
            let directory = "\(disk.path)/run-\(number)"
            do {
                try live(job, directory, &random)
            } catch let loss as Loss {
                losses.append("run \(number) (\(job.name)): \(loss)")
            }
            try? FileManager.default.removeItem(atPath: directory)
        }
        try? FileManager.default.removeItem(atPath: launcher.scratch)
    }

    /// One run from its first start to its end.
    private mutating func live(_ job: Job, _ directory: String, _ random: inout SplitMix) throws {
        let run = RunState(directory: directory)
        for _ in 0..<100 {
            if Int.random(in: 0..<3, using: &random) == 0 { try damage(run, &random) }
            if run.wholeCheckpoints().isEmpty, !run.checkpoints().isEmpty {
                return try expectRefusal(job, directory)
            }
            let before = Snapshot(run)
            let ending = try disturbedStart(job, directory, &random)
            try before.check(ending, Snapshot(run))
            guard ending.exitCode == 0 else { continue }
            try job.check(outcomeOf: directory)
            finished += 1
            return
        }
        throw Loss("has not ended after 100 starts")
    }

    private mutating func damage(_ run: RunState, _ random: inout SplitMix) throws {
        guard FileManager.default.fileExists(atPath: run.directory),
            let damage = Damage.allCases.randomElement(using: &random), try damage.strike(run, &random)
        else { return }
        damages[damage.rawValue, default: 0] += 1
        disturbances += 1
    }

    private mutating func disturbedStart(
        _ job: Job, _ directory: String, _ random: inout SplitMix
    ) throws -> Ending {
        let possible = Disturbance.allCases.filter { disk.isOwn || !$0.needsOwnDisk }
        guard let disturbance = possible.randomElement(using: &random) else { throw Loss("no disturbance") }
        let ending = try disturbance.start(job, directory, launcher, disk, &random)
        disturbances += 1
        tallies[disturbance.rawValue, default: [:]][ending.exitCode, default: 0] += 1
        guard disturbance.allowedExitCodes.contains(ending.exitCode) else {
            throw Loss("\(disturbance.rawValue): \(ending)")
        }
        return ending
    }

    private mutating func expectRefusal(_ job: Job, _ directory: String) throws {
        let ending = try launcher.start(job, directory, ranks: 0)
        guard ending.exitCode == 65, ending.said.contains("is whole") else {
            throw Loss("all checkpoints destroyed, but: \(ending)")
        }
        refused += 1
    }

    /// What was done and how starts ended, for people.
    var table: String {
        let rows = tallies.sorted { $0.key < $1.key }.map { name, codes in
            let endings = codes.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }
            return (name, codes.values.reduce(0, +), endings.joined(separator: ", "))
        }
        let damaged = damages.sorted { $0.key < $1.key }.map { ("\($0.key) between starts", $0.value, "") }
        let lines = (rows + damaged).map { name, count, endings in
            name.padding(toLength: 36, withPad: " ", startingAt: 0) + "\(count)".leftPadded(to: 5) + "  " + endings
        }
        let head = "disturbance                         count  exit codes"
        let runs = "\(finished) runs finished, \(refused) with all checkpoints destroyed refused to go on"
        return ([head] + lines + [runs]).joined(separator: "\n")
    }
}

/// The checkpoints before or after a start.
struct Snapshot {
    private let whole: [String]
    private let broken: Set<String>

    init(_ run: RunState) {
        let all = run.checkpoints()
        whole = all.filter(RunState.isWhole)
        broken = Set(all).subtracting(whole)
    }

    /// - Throws: `Loss` if a start crashed, left a torn checkpoint, or took the newest whole one away.
    func check(_ ending: Ending, _ after: Snapshot) throws {
        for trace in ["Fatal error", "crashed", "Segmentation fault", "Illegal instruction", "free():"]
        where ending.said.contains(trace) {
            throw Loss("crash: \(ending)")
        }
        let torn = after.broken.subtracting(broken)
        guard torn.isEmpty else { throw Loss("torn checkpoint \(torn.sorted()): \(ending)") }
        guard let newest = whole.last else { return }
        guard after.whole.contains(newest) || after.isNewer(than: newest) else {
            throw Loss("\(newest) is gone, the newest is \(after.whole.last ?? "none"): \(ending)")
        }
    }

    private func isNewer(than checkpoint: String) -> Bool {
        guard let newest = whole.last else { return false }
        let key = { (path: String) in
            (path.contains("/fit/") ? 0 : 1, Int(path.split(separator: "-").last ?? "") ?? -1)
        }
        return key(newest) > key(checkpoint)
    }
}

/// SplitMix64 (Steele, Lea & Flood 2014): choices that a seed repeats.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

extension String {
    fileprivate func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
