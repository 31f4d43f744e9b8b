import Distributed
import Foundation

/// Two ranks started on this machine as a user would, to see whether they find each other.
package struct RankTrial: Sendable {
    /// What a rank says: `saddle-rank 0/2 cores 1`.
    struct Answer: Equatable, Sendable {
        let rank: Int
        let size: Int
        /// Cores it may run on.
        let cores: Int
    }

    /// What keeps `mpirun` from starting, and what removes it.
    package enum Obstacle: Equatable, Sendable {
        case root, slots

        var remedy: String {
            switch self {
            case .root: "export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"
            case .slots: "mpirun --oversubscribe …   # or export OMPI_MCA_rmaps_base_oversubscribe=1"
            }
        }

        /// The variables that do the same.
        var variables: [String: String] {
            switch self {
            case .root: ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"]
            case .slots: ["OMPI_MCA_rmaps_base_oversubscribe": "1"]
            }
        }

        /// The obstacle that `mpirun` names in its output.
        init?(output: String) {
            if output.contains("attempt to run as root") {
                self = .root
            } else if output.contains("not enough slots") {
                self = .slots
            } else {
                return nil
            }
        }
    }

    static let ranks = 2
    private static let timeout = 20.0

    /// Removed one after the other until the ranks started.
    package let obstacles: [Obstacle]
    package let outcome: ExternalCommand.Outcome?

    /// Starts the ranks, removing obstacles that `mpirun` names.
    package init(mpirun: String, program: String, environment: [String: String]) {
        var environment = environment.filter { name, _ in
            // What an outer mpirun has left would make the ranks believe they belong to it.
            !["OMPI_COMM_WORLD", "OMPI_UNIVERSE", "PMIX_", "PMI_"].contains { name.hasPrefix($0) }
        }
        var obstacles: [Obstacle] = []
        while true {
            let outcome = ExternalCommand.run(
                mpirun, ["-n", "\(Self.ranks)", program, "doctor", "--as-rank"], environment: environment,
                timeout: Self.timeout)
            guard let outcome, outcome.exitCode != 0, let obstacle = Obstacle(output: outcome.output),
                !obstacles.contains(obstacle)
            else {
                self.obstacles = obstacles
                self.outcome = outcome
                return
            }
            obstacles.append(obstacle)
            environment.merge(obstacle.variables) { $1 }
        }
    }

    package init(obstacles: [Obstacle], outcome: ExternalCommand.Outcome?) {
        self.obstacles = obstacles
        self.outcome = outcome
    }

    var answers: [Answer] { (outcome?.output ?? "").split(separator: "\n").compactMap(Answer.init(line:)) }
}

extension RankTrial.Answer: CustomStringConvertible {
    var description: String { "saddle-rank \(rank)/\(size) cores \(cores)" }

    init?(line: some StringProtocol) {
        let words = line.split { $0 == " " || $0 == "/" }
        guard words.count == 5, words[0] == "saddle-rank", words[3] == "cores", let rank = Int(words[1]),
            let size = Int(words[2]), let cores = Int(words[4])
        else { return nil }
        self.init(rank: rank, size: size, cores: cores)
    }
}

/// What a rank of the doctor's trial does: meets the others and says so.
///
/// - Returns: the exit code of the process.
public func answerAsRank() -> Int32 {
    World.run(environment: ProcessInfo.processInfo.environment, exitCode: exitCode(for:)) { communicator in
        let size = try communicator.allReduce(Int64(1), .sum)
        print(
            RankTrial.Answer(
                rank: communicator.rank, size: Int(size), cores: Processor.usableCores())
        )
        return 0
    }
}
