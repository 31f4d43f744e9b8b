import Distributed
import Foundation

/// The MPI library, its `mpirun`, and two ranks started with it.
func mpiFindings(_ environment: [String: String], cores: Int) -> [Finding] {
    let library = openMPIVersion(MPILibrary.version)
    guard let mpirun = ExternalCommand.path(of: "mpirun", in: environment) else {
        return [
            .fail(
                "Open MPI", "\(library ?? "unknown version"), but no mpirun on PATH",
                remedy: "apt-get install openmpi-bin, or module load openmpi")
        ]
    }
    let answer = ExternalCommand.run(mpirun, ["--version"], environment: environment, timeout: 10)
    let version = mpirunFinding(path: mpirun, answer: answer?.output ?? "", library: library)
    let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let trial = RankTrial(mpirun: mpirun, program: program, environment: environment)
    return [version, ranksFinding(trial, cores: cores)]
}

/// `4.1.4` from `Open MPI v4.1.4, package: …` or `mpirun (Open MPI) 4.1.4`; nil for another MPI.
package func openMPIVersion(_ text: String) -> String? {
    guard text.contains("Open MPI") else { return nil }
    let digits = text.drop { !$0.isNumber }.prefix { $0.isNumber || $0 == "." }
    return digits.isEmpty ? nil : String(digits)
}

package func mpirunFinding(path: String, answer: String, library: String?) -> Finding {
    let linked = library.map { "Open MPI \($0)" } ?? "an MPI that is not Open MPI"
    guard let launcher = openMPIVersion(answer) else {
        return .fail(
            "Open MPI", "linked with \(linked), but \(path) is not Open MPI's",
            remedy: "put Open MPI's mpirun first on PATH (module load openmpi)")
    }
    guard launcher == library else {
        return .warn(
            "Open MPI", "linked with \(linked), but \(path) is of \(launcher)",
            remedy: "put the mpirun of \(library ?? "the linked library") first on PATH")
    }
    return .ok("Open MPI", "\(launcher), \(path)")
}

/// Whether two ranks start, see each other, and have cores to run on.
package func ranksFinding(_ trial: RankTrial, cores: Int) -> Finding {
    let subject = "two ranks"
    guard let outcome = trial.outcome else {
        return .fail(subject, "mpirun cannot be started", remedy: "check that mpirun is executable")
    }
    let answers = trial.answers
    guard outcome.exitCode == 0, answers.count == RankTrial.ranks else {
        return outcome.timedOut
            ? .fail(
                subject, "do not start: mpirun hangs",
                remedy: "mpirun --mca btl self,vader --mca oob_tcp_if_include lo …   # keeps to this machine")
            : .fail(
                subject, "do not start: \(firstLine(outcome.output))",
                remedy: (trial.obstacles.map(\.remedy) + ["mpirun -n 2 hostname   # shows all it says"])
                    .joined(separator: "; "))
    }
    guard answers.allSatisfy({ $0.size == RankTrial.ranks }) else {
        return .fail(
            subject, "start, but do not see each other: mpirun belongs to another MPI",
            remedy: "use the mpirun of the Open MPI that this program is linked with")
    }
    if !trial.obstacles.isEmpty {
        return .warn(
            subject, "start, with what follows set",
            remedy: trial.obstacles.map(\.remedy).joined(separator: "; "))
    }
    let bound = answers.map(\.cores).min() ?? 0
    guard bound >= cores / RankTrial.ranks else {
        return .warn(
            subject, "start, each bound to \(counted(bound, "core")) of \(cores)",
            remedy: "mpirun --bind-to none …")
    }
    return .ok(subject, "start and see each other, \(counted(bound, "core")) each")
}

/// The first line that says something.
private func firstLine(_ output: String) -> String {
    let lines = output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    return lines.first { line in line.contains { $0.isLetter } } ?? "mpirun says nothing"
}
