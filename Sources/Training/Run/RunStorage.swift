import Checkpoints
import Foundation

/// The run directory as rank 0 holds it: locked, with its checkpoints and files.
///
/// Checkpoints beside the files count dual iterations. While the given models are being fitted there are none
/// yet; checkpoints of that time count updates and lie in `fit/`.
final class RunStorage {
    /// What a checkpoint was written in.
    enum Phase { case fit, iterations }

    let directory: String
    private let job: JobDescription
    private let lock: RunLock
    private var fitLock: RunLock?
    /// Directory of the checkpoint that was written last.
    private(set) var lastSaved = ""

    private var fitDirectory: String { "\(directory)/fit" }

    init(directory: String, job: JobDescription) throws {
        self.directory = directory
        self.job = job
        lock = try RunLock(runDirectory: directory)
    }

    /// Deletes what killed starts left unfinished.
    func removeLeftovers() throws -> [CheckpointNotice] {
        for name in try DurableFile.names(in: directory) where DurableFile.isTemporary(name) {
            try DurableFile.remove("\(directory)/\(name)")
        }
        var notices = try CheckpointStore(runDirectory: directory).removeLeftovers(holding: lock)
        if DurableFile.exists(fitDirectory) {
            let store = CheckpointStore(runDirectory: fitDirectory)
            notices += try store.removeLeftovers(holding: lockOfFits())
        }
        return notices
    }

    /// Finds what the run goes on from.
    ///
    /// - Parameter policy: nil starts afresh, which existing checkpoints forbid.
    func resumption(_ policy: ResumePolicy?) throws -> Resumption {
        guard let policy else {
            for place in [directory, fitDirectory] {
                guard let last = try CheckpointStore(runDirectory: place).steps().last else { continue }
                throw RunError.directoryInUse(
                    checkpoint: CheckpointStore(runDirectory: place).directory(ofStep: last))
            }
            return Resumption(checkpoint: nil, notices: [])
        }
        guard case .directory(let path) = policy else { return try resumption(in: directory, policy) }
        let isRunDirectory = try [path, "\(path)/fit"].contains {
            try !CheckpointStore(runDirectory: $0).steps().isEmpty
        }
        guard isRunDirectory else {
            return try CheckpointStore(runDirectory: directory).resumption(policy)
        }
        return try resumption(in: path, .latest)
    }

    /// The newest whole checkpoint of the iterations, or, where none is whole, of the fit before them.
    private func resumption(in directory: String, _ policy: ResumePolicy) throws -> Resumption {
        let iterations = CheckpointStore(runDirectory: directory)
        let fits = CheckpointStore(runDirectory: "\(directory)/fit")
        if try fits.steps().isEmpty { return try iterations.resumption(policy) }
        let (newest, refused) = try iterations.latestWhole()
        let earlier = newest == nil ? try fits.resumption(policy) : nil
        return Resumption(
            checkpoint: newest ?? earlier?.checkpoint,
            notices: refused.map(CheckpointNotice.refused) + (earlier?.notices ?? []))
    }

    func save(
        step: Int, _ state: StateTree, files: [String: Data], in phase: Phase, seconds: Double
    ) throws -> [CheckpointNotice] {
        let content = CheckpointContent(
            step: step, state: state, configuration: job.text, extraFiles: files,
            saddleVersion: saddleVersion,
            provenance: [Self.secondsKey: "\(seconds)"])
        let report =
            switch phase {
            case .iterations:
                try CheckpointStore(runDirectory: directory).save(content, holding: lock, keeping: rotation)
            case .fit:
                try CheckpointStore(runDirectory: fitDirectory)
                    .save(content, holding: lockOfFits(), keeping: RotationRule(keepLatest: 2))
            }
        lastSaved = report.directory
        return report.notices
    }

    /// Writes a file, whole or not at all.
    func write(_ name: String, _ bytes: some Sequence<UInt8>) throws {
        try DurableFile.replace("\(directory)/\(name)", Array(bytes))
    }

    private var rotation: RotationRule {
        let checkpoints = job.checkpoints
        return RotationRule(
            keepLatest: checkpoints.keep,
            permanentEvery: checkpoints.permanentEvery > 0 ? checkpoints.permanentEvery : nil)
    }

    private func lockOfFits() throws -> RunLock {
        if let fitLock { return fitLock }
        let lock = try RunLock(runDirectory: fitDirectory)
        fitLock = lock
        return lock
    }
}

// MARK: Wall time

extension RunStorage {
    private static let secondsKey = "seconds"

    /// Wall time of all starts before `checkpoint` was written; not part of the state, which is the same for
    /// every run of a configuration.
    static func seconds(at checkpoint: Checkpoint) -> Double {
        checkpoint.manifest.provenance[secondsKey].flatMap(Double.init) ?? 0
    }
}

/// Mistakes about run directories.
public enum RunError: ExitCoded, CustomStringConvertible {
    case directoryInUse(checkpoint: String)

    public var exitCode: Int32 { ExitStatus.cannotCreate }

    public var description: String {
        switch self {
        case .directoryInUse(let checkpoint):
            "\(checkpoint) is there already; go on from it with --resume latest, or choose another --output"
        }
    }
}
