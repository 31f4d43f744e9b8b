import Foundation

/// Runs, one after the other, each disturbed again and again until it has finished.
struct Campaign {
    private(set) var tally = Tally()
    /// Runs to which something happened that should not have.
    private(set) var losses = 0
    private let jobs: [Job]
    private let ranks: [Int]
    private let launcher: Launcher
    private let disk: Disk
    private let pace = Pace()
    private let seed: UInt64
    /// A program that is broken altogether need not be tortured to the end.
    private static let mostLosses = 10

    /// - Throws: `Loss` if a job that nothing disturbs fails, or gives other bits on other ranks.
    init(jobs: [Job], ranks: [Int], launcher: Launcher, disk: Disk, seed: UInt64) throws {
        (self.ranks, self.launcher, self.disk, self.seed) = (ranks, launcher, disk, seed)
        self.jobs = try jobs.map { [pace] in try $0.prepared(launcher, on: ranks, in: disk.path, pace) }
    }

    mutating func run(disturbances: Int) {
        var number: UInt64 = 0
        while tally.disturbances < disturbances, losses < Self.mostLosses {
            number += 1
            let job = jobs[Int(number) % jobs.count]
            var run = DisturbedRun(
                job: job, directory: "\(disk.path)/run-\(number)", ranks: ranks, launcher: launcher,
                disk: disk, pace: pace, random: SplitMix(state: seed &* 1_000_003 &+ number))
            do {
                try run.live()
            } catch {
                losses += 1
                say("LOSS in run \(number) (\(job.name)):")
                for event in run.history + ["\(error)"] { say("  \(event)") }
            }
            tally.add(run.tally)
            try? FileManager.default.removeItem(atPath: run.directory)
            if number % 10 == 0 {
                say("\(tally.disturbances) of \(disturbances) disturbances, \(number) runs")
            }
        }
    }

    private func say(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }
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

/// Something that should not have happened.
struct Loss: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
