import ArgumentParser
import Foundation

/// Disturbs tiny runs in every way the program should survive, and checks that nothing is lost.
@main
struct Torture: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Kill, damage and starve runs, and check that none loses anything.",
        discussion: """
            Every run ends with the bits of an undisturbed one, or, where all its checkpoints were destroyed, \
            with an error that says so. Exit code 0 if that held, 1 if not. The full disk needs the right to \
            mount a small tmpfs; without it that one is left out.
            """)

    @Option(help: "Seed of all choices; what a kill meets depends on the machine's speed too.")
    var seed: UInt64 = 1

    @Option(help: "How many disturbances.")
    var kills = 300

    @Option(
        parsing: .upToNextOption,
        help: "Numbers of ranks that starts are drawn from; 0 is a start without mpirun.")
    var ranks = [0, 1, 2, 3, 4]

    @Option(
        parsing: .upToNextOption,
        help: "Jobs: \(Job.all.map(\.name).joined(separator: ", ")); all by default.")
    var jobs = Job.all.map(\.name)

    @Option(help: "The command; by default the one beside this program.")
    var saddle: String?

    func validate() throws {
        if let unknown = jobs.first(where: { name in !Job.all.contains { $0.name == name } }) {
            throw ValidationError("there is no job \(unknown)")
        }
        guard !jobs.isEmpty, !ranks.isEmpty, ranks.allSatisfy({ $0 >= 0 }), kills > 0 else {
            throw ValidationError("kills, jobs and ranks: at least one of each")
        }
    }

    func run() throws {
        let disk = try Disk()
        defer { disk.remove() }
        var campaign = try Campaign(
            jobs: Job.all.filter { jobs.contains($0.name) }, ranks: ranks,
            launcher: Launcher(program: program, scratch: disk.scratch), disk: disk, seed: seed)
        campaign.run(disturbances: kills)
        print(campaign.tally.table)
        guard campaign.losses == 0 else {
            print("\(campaign.losses) losses with --seed \(seed)")
            throw ExitCode(1)
        }
        print("nothing lost in \(campaign.tally.disturbances) disturbances (seed \(seed))")
    }

    private var program: String {
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return saddle ?? own.deletingLastPathComponent().appendingPathComponent("saddle").path
    }
}
