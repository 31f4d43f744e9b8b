import Distributed
import XCTest

final class LaunchTests: XCTestCase {
    private struct Row {
        let name: String
        let environment: [String: String]
        let launcher: Launch.Launcher?
        let rank: Int?
        let size: Int?
        let localRank: Int?
    }

    private let rows = [
        Row(
            name: "nobody", environment: ["PATH": "/bin", "RANKING": "1"], launcher: nil, rank: nil,
            size: nil, localRank: nil),
        Row(
            name: "mpirun",
            environment: [
                "OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4",
                "OMPI_COMM_WORLD_LOCAL_RANK": "1", "PMIX_RANK": "3",
            ], launcher: .openMPI, rank: 3, size: 4, localRank: 1),
        Row(
            name: "mpirun of one rank inside a Slurm allocation of four",
            environment: [
                "OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1", "SLURM_PROCID": "0",
                "SLURM_NTASKS": "4",
            ], launcher: .openMPI, rank: 0, size: 1, localRank: nil),
        Row(
            name: "srun --mpi=pmix",
            environment: [
                "PMIX_RANK": "5", "SLURM_PROCID": "5", "SLURM_NTASKS": "8", "SLURM_LOCALID": "1",
            ], launcher: .pmix, rank: 5, size: 8, localRank: 1),
        Row(
            name: "srun --mpi=pmi2",
            environment: ["PMI_RANK": "1", "PMI_SIZE": "2", "SLURM_PROCID": "1", "SLURM_NTASKS": "2"],
            launcher: .pmi, rank: 1, size: 2, localRank: nil),
        Row(
            name: "srun without MPI: the step's tasks, not the job's",
            environment: ["SLURM_PROCID": "1", "SLURM_NTASKS": "8", "SLURM_STEP_NUM_TASKS": "2"],
            launcher: .slurm, rank: 1, size: 2, localRank: nil),
        Row(
            name: "salloc's shell", environment: ["SLURM_NTASKS": "4"], launcher: .slurm, rank: 0,
            size: 4, localRank: nil),
        Row(
            name: "torchrun", environment: ["RANK": "2", "WORLD_SIZE": "3", "LOCAL_RANK": "2"],
            launcher: .torchrun, rank: 2, size: 3, localRank: 2),
        Row(
            name: "RANK alone means nothing", environment: ["RANK": "2"], launcher: nil, rank: nil,
            size: nil, localRank: nil),
        Row(
            name: "nonsense",
            environment: ["OMPI_COMM_WORLD_RANK": "x", "PMI_RANK": "7", "PMI_SIZE": "2", "PMIX_RANK": "-1"],
            launcher: nil, rank: nil, size: nil, localRank: nil),
    ]

    func testTheEnvironmentTellsWhoStartedUs() {
        for row in rows {
            let launch = Launch(environment: row.environment)
            XCTAssertEqual(launch.launcher, row.launcher, row.name)
            XCTAssertEqual(launch.rank, row.rank, row.name)
            XCTAssertEqual(launch.size, row.size, row.name)
            XCTAssertEqual(launch.localRank, row.localRank, row.name)
        }
    }

    func testOneRankNeedsNoMPI() throws {
        for environment in [[:], ["SLURM_PROCID": "0", "SLURM_NTASKS": "1"]] {
            let world = try World.open(environment: environment)
            XCTAssert(world is SingleCommunicator, "\(environment)")
        }
    }

    func testRanksWithoutMPIAreRefusedWithTheRemedy() {
        let environments: [(Launch.Launcher, [String: String], String)] = [
            (.slurm, ["SLURM_PROCID": "2", "SLURM_NTASKS": "4"], "srun --mpi=pmix"),
            (.torchrun, ["RANK": "0", "WORLD_SIZE": "4"], "mpirun -n N"),
        ]
        for (launcher, environment, remedy) in environments {
            XCTAssertThrowsError(try World.open(environment: environment)) { error in
                XCTAssertEqual(
                    error as? CommunicationError,
                    .notConnected(launcher: launcher, expected: 4, found: 1))
                XCTAssert("\(error)".contains(remedy), "\(error)")
            }
        }
    }
}
