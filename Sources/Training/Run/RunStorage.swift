import Checkpoints
import Foundation

/// The run directory as rank 0 holds it: locked, with its checkpoints and files.
///
/// Checkpoints beside the files count dual iterations. What comes before the first and after the last iteration has
/// checkpoints of its own, which count its updates and samples.
final class RunStorage {
    /// What a checkpoint was written in.
    enum Phase: Hashable {
        /// Given models are fitted, or the base is measured: `preparation/`.
        case preparation
        case iterations
        /// The model is settled and measured after so many iterations: `conclusion/<iterations>/`.
        case conclusion(iterations: Int)
    }

    let directory: String
    private let job: JobDescription
    private let lock: RunLock
    private var otherLocks: [Phase: RunLock] = [:]
    /// Directory of the checkpoint that was written last.
    private(set) var lastSaved = ""

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
        for phase in try otherPhases() {
            notices += try Self.store(phase, in: directory).removeLeftovers(holding: lock(of: phase))
        }
        return notices
    }

    /// Finds what the run goes on from.
    ///
    /// - Parameter policy: nil starts afresh, which existing checkpoints forbid.
    func resumption(_ policy: ResumePolicy?) throws -> Resumption {
        guard let policy else {
            for store in Self.begun(in: directory) {
                guard let last = try store.steps().last else { continue }
                throw RunError.directoryInUse(checkpoint: store.directory(ofStep: last))
            }
            return Resumption(checkpoint: nil, notices: [])
        }
        guard case .directory(let path) = policy else { return try resumption(in: directory, policy) }
        let isRunDirectory = try Self.begun(in: path).contains { try !$0.steps().isEmpty }
        guard isRunDirectory else {
            return try CheckpointStore(runDirectory: directory).resumption(policy)
        }
        return try resumption(in: path, .latest)
    }

    /// The newest whole checkpoint of the iterations, or, where none is whole, of what came before them.
    private func resumption(in directory: String, _ policy: ResumePolicy) throws -> Resumption {
        let iterations = Self.store(.iterations, in: directory)
        let preparation = Self.store(.preparation, in: directory)
        if try preparation.steps().isEmpty { return try iterations.resumption(policy) }
        let (newest, refused) = try iterations.latestWhole()
        let earlier = newest == nil ? try preparation.resumption(policy) : nil
        return Resumption(
            checkpoint: newest ?? earlier?.checkpoint,
            notices: refused.map(CheckpointNotice.refused) + (earlier?.notices ?? []))
    }

    /// What had been done after the iterations of `checkpoint`, nil where nothing whole tells.
    func conclusion(of checkpoint: Checkpoint) throws -> Resumption {
        let run = URL(fileURLWithPath: checkpoint.directory).deletingLastPathComponent().path
        let store = Self.store(.conclusion(iterations: checkpoint.step), in: run)
        let (newest, refused) = try store.latestWhole()
        return Resumption(checkpoint: newest, notices: refused.map(CheckpointNotice.refused))
    }

    func save(
        step: Int, _ state: StateTree, files: [String: Data], in phase: Phase, seconds: Double
    ) throws -> [CheckpointNotice] {
        let content = CheckpointContent(
            step: step, state: state, configuration: job.text, extraFiles: files,
            saddleVersion: saddleVersion,
            provenance: [Self.secondsKey: "\(seconds)"])
        let rule = phase == .iterations ? rotation : RotationRule(keepLatest: 2)
        let report = try Self.store(phase, in: directory).save(
            content, holding: lock(of: phase), keeping: rule)
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

    private func lock(of phase: Phase) throws -> RunLock {
        if phase == .iterations { return lock }
        if let lock = otherLocks[phase] { return lock }
        let lock = try RunLock(runDirectory: Self.store(phase, in: directory).runDirectory)
        otherLocks[phase] = lock
        return lock
    }

    /// Phases beside the iterations that have left checkpoints here.
    private func otherPhases() throws -> [Phase] {
        let conclusions = "\(directory)/\(Self.conclusions)"
        let names = DurableFile.exists(conclusions) ? try DurableFile.names(in: conclusions) : []
        let phases = [.preparation] + names.compactMap(Int.init).map(Phase.conclusion)
        return phases.filter { DurableFile.exists(Self.store($0, in: directory).runDirectory) }
    }

    /// Where runs that have begun have checkpoints.
    private static func begun(in directory: String) -> [CheckpointStore] {
        [.iterations, .preparation].map { store($0, in: directory) }
    }

    private static func store(_ phase: Phase, in directory: String) -> CheckpointStore {
        switch phase {
        case .preparation: CheckpointStore(runDirectory: "\(directory)/preparation")
        case .iterations: CheckpointStore(runDirectory: directory)
        case .conclusion(let iterations):
            CheckpointStore(runDirectory: "\(directory)/\(conclusions)/\(iterations)")
        }
    }

    private static let conclusions = "conclusion"
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
