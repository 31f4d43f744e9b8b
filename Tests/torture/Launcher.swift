import Foundation

/// What is started: `ranks` 0 for no mpirun.
struct Start {
    let job: Job
    let directory: String
    let ranks: Int
}

/// How a start of the command ended.
struct Ending: CustomStringConvertible {
    /// 128 + signal for a process that a signal ended.
    let exitCode: Int32
    let seconds: Double
    let said: String

    func says(_ text: String) -> Bool { said.contains(text) }

    var description: String { "exit code \(exitCode): \(said.suffix(1500))" }
}

/// Starts the command, with or without mpirun, and watches it to its end.
struct Launcher {
    let program: String
    /// For what starts leave behind beside the run directory.
    let scratch: String
    /// Seconds; a start takes less than one on an idle machine.
    private static let patience = 120.0

    /// - Parameters:
    ///   - isAlone: whether no other job works in the directory.
    ///   - watch: called every millisecond with the child and the seconds since its start.
    /// - Throws: `Loss` if it hangs, and what `watch` throws.
    func run(
        _ start: Start, environment: [String: String] = [:], isAlone: Bool = true,
        watch: (Child, Double) throws -> Void = { _, _ in }
    ) throws -> Ending {
        let place = "\(scratch)/\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: place) }
        let log = "\(place)/log"
        let text = { String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self) }
        let started = Date()
        let child = try Child(
            command(start, in: place), environment: base(place).merging(environment) { $1 }, errors: log)
        do {
            let exitCode = try end(of: child, since: started, watch)
            let seconds = Date().timeIntervalSince(started)
            if isAlone { try waitForRanks(in: start.directory) }
            return Ending(exitCode: exitCode, seconds: seconds, said: text())
        } catch {
            let ranks = Launcher.processes(in: start.directory)
            for process in [child.id] + ranks { kill(process, SIGKILL) }
            throw Loss("\(error); ranks \(ranks) are left; \(text())")
        }
    }

    /// Waits for the exit code.
    private func end(
        of child: Child, since started: Date, _ watch: (Child, Double) throws -> Void
    ) throws -> Int32 {
        while true {
            if let exitCode = child.exitCode() { return exitCode }
            let seconds = Date().timeIntervalSince(started)
            guard seconds < Launcher.patience else { throw Loss("no end after \(seconds) s") }
            try watch(child, seconds)
            usleep(1000)
        }
    }

    private func command(_ start: Start, in place: String) throws -> [String] {
        let configuration = "\(place)/\(start.job.name).yaml"
        try start.job.configuration.write(toFile: configuration, atomically: true, encoding: .utf8)
        let launch = ["mpirun", "-q", "-n", "\(start.ranks)", "--oversubscribe", "--bind-to", "none"]
        return (start.ranks > 0 ? launch : []) + [
            program, start.job.command, configuration, "--output", start.directory, "--resume", "auto",
        ]
    }

    /// When mpirun was killed its ranks live on for a moment.
    private func waitForRanks(in directory: String) throws {
        let ended = Date()
        while !Launcher.processes(in: directory).isEmpty {
            guard Date().timeIntervalSince(ended) < Launcher.patience else {
                throw Loss("mpirun has ended")
            }
            usleep(5000)
        }
    }

    /// One thread a rank; MPI keeps its files in `place`, so that killed jobs leave nothing. A rank that waits
    /// says where, long before it counts as hanging.
    private func base(_ place: String) -> [String: String] {
        let ours = [
            "OMP_NUM_THREADS": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OMPI_MCA_pml": "ob1", "OMPI_MCA_btl": "self,vader", "OMPI_MCA_mpi_yield_when_idle": "1",
            "OMPI_MCA_btl_vader_backing_directory": place, "TMPDIR": place,
            "SADDLE_WATCHDOG_SECONDS": "\(Launcher.patience / 2)", "SWIFT_BACKTRACE": "enable=no",
        ]
        let inherited = ProcessInfo.processInfo.environment.filter { name, _ in
            !["OMPI_", "PMIX_", "SADDLE_"].contains { name.hasPrefix($0) }
        }
        return inherited.merging(ours) { $1 }
    }
}

// MARK: Processes, by /proc

extension Launcher {
    /// The processes of jobs that work in `directory`, mpirun left out.
    static func processes(in directory: String) -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap(pid_t.init).filter { process in
            guard let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else {
                return false
            }
            let words = String(decoding: line, as: UTF8.self).split(separator: "\0")
            return words.first?.hasSuffix("saddle") == true && words.contains { $0 == directory }
        }
    }

    /// Waits until a process that was sent SIGSTOP has stopped; false if it has ended instead.
    static func hasStopped(_ process: pid_t) -> Bool {
        while let line = FileManager.default.contents(atPath: "/proc/\(process)/stat") {
            // pid (name) state …
            let state = String(decoding: line, as: UTF8.self).split(separator: ")").last?.first { $0 != " " }
            guard let state, state != "Z", state != "X" else { return false }
            if state == "T" { return true }
            usleep(1000)
        }
        return false
    }
}
