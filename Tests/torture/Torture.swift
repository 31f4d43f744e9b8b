import ArgumentParser
import Foundation

/// Disturbs tiny runs in every way the program should survive, and checks that nothing is lost.
@main
struct Torture: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Kill, damage and starve runs, and check that none loses anything.",
        discussion: """
            Every run ends with the bits of an undisturbed one, or, where all its checkpoints were destroyed, \
            with an error that says so. Exit code 0 if that held, 1 if not. A full and a read-only disk need \
            the right to mount a small tmpfs; without it they are left out.
            """)

    @Option(help: "Seed of all choices; times of kills depend on the machine too.")
    var seed: UInt64 = 1

    @Option(help: "How many disturbances.")
    var kills = 300

    @Option(help: "The command; by default the one beside this program.")
    var saddle: String?

    func run() throws {
        let beside = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let program = saddle ?? beside.appendingPathComponent("saddle").path
        let disk = try Disk()
        defer { disk.remove() }
        var campaign = try Campaign(program: program, disk: disk, seed: seed)
        try campaign.disturb(times: kills)
        print(campaign.table)
        guard campaign.losses.isEmpty else {
            print("\(campaign.losses.count) losses with --seed \(seed):")
            campaign.losses.forEach { print("  \($0)") }
            throw ExitCode(1)
        }
        print("nothing lost in \(campaign.disturbances) disturbances of \(campaign.finished) runs (seed \(seed))")
    }
}
