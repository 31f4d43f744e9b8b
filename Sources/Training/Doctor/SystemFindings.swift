import Checkpoints
import Foundation

/// A file system, by one of its directories; sizes in bytes.
package struct Volume: Equatable, Sendable {
    let path: String
    let total: Int
    let free: Int
    let isWritable: Bool

    package init(path: String, total: Int, free: Int, isWritable: Bool) {
        self.path = path
        self.total = total
        self.free = free
        self.isWritable = isWritable
    }

    /// - Returns: nil if there is no such directory.
    package init?(_ path: String) {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        self.init(
            path: path, total: Int(status.f_blocks) * Int(status.f_frsize),
            free: Int(status.f_bavail) * Int(status.f_frsize), isWritable: access(path, W_OK) == 0)
    }
}

/// Ranks on one machine exchange data through /dev/shm.
package func sharedMemoryFinding(_ volume: Volume?) -> Finding {
    let subject = "/dev/shm"
    guard let volume, volume.isWritable else {
        return .warn(
            subject, volume == nil ? "not there" : "not writable",
            remedy: "mount -t tmpfs tmpfs /dev/shm; without it: mpirun --mca btl self,tcp …")
    }
    let found = "\(size(volume.free)) free of \(size(volume.total))"
    // A rank maps segments of some 4 MiB; containers often come with 64 MiB.
    return volume.free < 128 << 20
        ? .warn(subject, found, remedy: "docker run --shm-size=1g …, or mount -o remount,size=1g /dev/shm")
        : .ok(subject, found)
}

package func diskFinding(_ volume: Volume?) -> Finding {
    let subject = "this directory"
    guard let volume, volume.isWritable else {
        return .warn(subject, "not writable", remedy: "name a directory you may write to with --output")
    }
    let found = "\(size(volume.free)) free"
    if volume.free < 64 << 20 {
        return .fail(subject, found, remedy: "free space, or name another directory with --output")
    }
    return volume.free < 1 << 30
        ? .warn(subject, found, remedy: "free space, or keep fewer checkpoints: --set checkpoints.keep=1")
        : .ok(subject, found)
}

func hdf5Finding() -> Finding {
    HDF5Version.text.isEmpty
        ? .fail("HDF5", "the library does not start", remedy: "apt-get install libhdf5-dev, and build again")
        : .ok("HDF5", HDF5Version.text)
}

/// Threads that the environment asks of every rank.
package func threadsFinding(_ environment: [String: String], cores: Int) -> Finding {
    let names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"].filter { environment[$0] != nil }
    guard let name = names.first, let text = environment[name] else {
        return .ok("threads", "\(cores) divided by the ranks of this machine")
    }
    guard let threads = Int(text), threads > 0 else {
        return .warn("threads", "\(name)=\(text) is no number of threads", remedy: "unset \(name)")
    }
    return threads > cores
        ? .warn("threads", "\(name)=\(text) on \(counted(cores, "core"))", remedy: "export \(name)=\(cores)")
        : .ok("threads", "\(name)=\(text) a rank")
}

/// Greek letters and signs in tables need UTF-8.
package func localeFinding(_ environment: [String: String]) -> Finding {
    let name = ["LC_ALL", "LC_CTYPE", "LANG"].first { environment[$0]?.isEmpty == false }
    let value = name.flatMap { environment[$0] } ?? ""
    let found = name.map { "\($0)=\(value)" } ?? "not set"
    let folded = value.lowercased().filter { $0 != "-" }
    return folded.hasSuffix("utf8") || folded.contains("utf8@")
        ? .ok("locale", found) : .warn("locale", found, remedy: "export LC_ALL=C.UTF-8")
}

func slurmFinding(_ environment: [String: String]) -> Finding {
    guard let srun = ExternalCommand.path(of: "srun", in: environment) else {
        return .ok("Slurm", "not installed, and not needed")
    }
    let answer = ExternalCommand.run(srun, ["--mpi=list"], environment: environment, timeout: 10)
    let job = environment["SLURM_JOB_ID"].map { "job \($0), " } ?? ""
    return slurmFinding(job: job, plugins: answer?.output ?? "")
}

/// - Parameter plugins: what `srun --mpi=list` printed.
package func slurmFinding(job: String, plugins: String) -> Finding {
    let names = plugins.split { $0.isWhitespace || $0 == "," }
    return names.contains { $0.hasPrefix("pmix") }
        ? .ok("Slurm", "\(job)srun --mpi=pmix works")
        : .warn("Slurm", "\(job)srun has no pmix plugin", remedy: "start ranks with mpirun inside the job")
}
