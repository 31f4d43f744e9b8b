import Foundation

/// One run from its first start to its end, disturbed at every start and between them.
struct DisturbedRun {
    let job: Job
    let directory: String
    let ranks: [Int]
    let launcher: Launcher
    let disk: Disk
    let pace: Pace
    var random: SplitMix
    private(set) var tally = Tally()
    /// What happened, in order.
    private(set) var history: [String] = []
    /// A start may end before its first checkpoint, but not this often.
    private static let mostStarts = 100

    init(
        job: Job, directory: String, ranks: [Int], launcher: Launcher, disk: Disk, pace: Pace,
        random: SplitMix
    ) {
        (self.job, self.directory, self.ranks) = (job, directory, ranks)
        (self.launcher, self.disk, self.pace, self.random) = (launcher, disk, pace, random)
    }

    /// - Throws: `Loss`.
    mutating func live() throws {
        for _ in 0..<Self.mostStarts {
            if Int.random(in: 0..<3, using: &random) == 0 { try damage() }
            let before = Snapshot(directory)
            if before.isDestroyed { return try expectRefusal() }
            let ending = try disturbedStart()
            try before.check(ending, Snapshot(directory))
            guard ending.exitCode == 0 else { continue }
            try job.check(outcomeOf: directory)
            return tally.countFinished()
        }
        throw Loss("has not ended after \(Self.mostStarts) starts")
    }

    private mutating func damage() throws {
        guard let damage = Damage.allCases.randomElement(using: &random),
            let struck = try damage.strike(directory, &random)
        else { return }
        history.append("damage: \(struck)")
        tally.count(damage)
    }

    private mutating func disturbedStart() throws -> Ending {
        let possible = Disturbance.allCases.filter { disk.isOwn || $0 != .fullDisk }
        let disturbance = possible.randomElement(using: &random) ?? .rankKilled
        let attack = Attack(disturbance, on: anyStart(), pace, &random)
        history.append("\(attack)")
        let (ending, hasStruck) = try attack.run(launcher, disk)
        history.append("  exit code \(ending.exitCode)")
        if hasStruck {
            tally.count(attack, ending.exitCode)
        } else {
            pace.learn(attack.start, ending.seconds)
        }
        guard disturbance.allows(ending, ranks: attack.start.ranks) else { throw Loss("\(ending)") }
        return ending
    }

    private mutating func anyStart() -> Start {
        Start(job: job, directory: directory, ranks: ranks.randomElement(using: &random) ?? 0)
    }

    private mutating func expectRefusal() throws {
        history.append("all checkpoints are destroyed")
        let ending = try launcher.run(anyStart())
        guard ending.exitCode == 65, ending.said.contains("is whole") else { throw Loss("\(ending)") }
        tally.countRefused()
    }
}
