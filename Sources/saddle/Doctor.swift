import ArgumentParser
import Training

/// `saddle doctor`.
struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what this machine has, what is missing, and the exact fix.",
        discussion: """
            Looks at processor, memory, OpenBLAS, threads, MPI (two ranks are started), Slurm, /dev/shm, HDF5, \
            disk and locale. Exit code 0 if Saddle can work, 69 if a line says FAIL.
            """)

    @Flag(help: "Print JSON instead of lines.")
    var json = false

    // One of the two ranks that the examination itself starts.
    @Flag(help: .hidden)
    var asRank = false

    func run() throws {
        try finish {
            if asRank { return answerAsRank() }
            return reportingErrors {
                let diagnosis = diagnose()
                print(json ? try diagnosis.json : diagnosis.text)
                return diagnosis.exitCode
            }
        }
    }
}
