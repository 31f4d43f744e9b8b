/// What the environment says about how this process was started, before MPI is.
public struct Launch: Equatable, Sendable {
    /// Who started the process, by the variables it left; named as people know it.
    public enum Launcher: String, Sendable {
        case openMPI = "mpirun"
        case pmix = "PMIx"
        case pmi = "PMI"
        case slurm = "Slurm"
        case torchrun = "torchrun"

        /// Whether MPI can find the other ranks through this launcher.
        var offersMPI: Bool { self == .openMPI || self == .pmix || self == .pmi }

        var remedy: String {
            switch self {
            case .openMPI:
                "Use the mpirun of the Open MPI that this program is linked with (`saddle doctor` shows it)."
            case .slurm, .pmix:
                "Start it with `srun --mpi=pmix …` or `mpirun …`; for one rank on purpose, `mpirun -n 1 …`."
            case .pmi:
                "Start it with the mpirun of Open MPI (not MPICH's or Intel's), or `srun --mpi=pmix …`."
            case .torchrun:
                "Start it with `mpirun -n N …`, or unset RANK and WORLD_SIZE for one rank."
            }
        }
    }

    /// nil where no launcher is seen: a job of one rank.
    public let launcher: Launcher?
    public let rank: Int?
    public let size: Int?
    /// Rank among the processes of this machine.
    public let localRank: Int?

    /// Reads `environment`; where several launchers left traces, the innermost that can carry MPI counts.
    ///
    /// Values that are not sensible numbers count as absent. In a Slurm allocation without a task
    /// (`salloc`, or the batch script itself) the process is rank 0 of the allocation's tasks.
    public init(environment: [String: String]) {
        func number(_ names: String...) -> Int? {
            names.lazy.compactMap { environment[$0].flatMap { Int($0) } }.first { $0 >= 0 }
        }
        let slurmTasks = number("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "SLURM_NPROCS")
        let candidates: [(Launcher, rank: Int?, size: Int?, localRank: Int?)] = [
            (
                .openMPI, number("OMPI_COMM_WORLD_RANK"), number("OMPI_COMM_WORLD_SIZE"),
                number("OMPI_COMM_WORLD_LOCAL_RANK")
            ),
            (.pmix, number("PMIX_RANK"), slurmTasks, number("SLURM_LOCALID")),
            (.pmi, number("PMI_RANK"), number("PMI_SIZE"), number("MPI_LOCALRANKID", "SLURM_LOCALID")),
            (
                .slurm, number("SLURM_PROCID") ?? slurmTasks.map { _ in 0 }, slurmTasks,
                number("SLURM_LOCALID")
            ),
            (
                .torchrun, number("WORLD_SIZE").flatMap { _ in number("RANK") }, number("WORLD_SIZE"),
                number("LOCAL_RANK")
            ),
        ]
        let found = candidates.first { candidate in
            candidate.rank.map { $0 < candidate.size ?? .max } ?? false
        }
        launcher = found?.0
        rank = found?.rank
        size = found?.size
        localRank = found?.localRank
    }

    /// Whether MPI must be started to reach other ranks.
    ///
    /// Errors: `notConnected` where a launcher that knows nothing of MPI started several processes.
    func needsMPI() throws -> Bool {
        guard let launcher else { return false }
        if launcher.offersMPI { return true }
        if let size, size > 1 {
            throw CommunicationError.notConnected(launcher: launcher, expected: size, found: 1)
        }
        return false
    }
}
