/// Where a run starts from: the values of `--resume`.
public enum ResumePolicy: Sendable, Equatable {
    /// From the newest whole checkpoint of the run directory; an error when there is none.
    case latest
    /// The same, but from the beginning where the run directory has no checkpoint at all.
    ///
    /// When it has some and all are damaged, that is an error: nobody should lose work without noticing.
    case auto
    /// From this checkpoint, or from the newest whole one in this run directory.
    case directory(String)

    /// `latest`, `auto`, or a path.
    public init(argument: String) {
        switch argument {
        case "latest": self = .latest
        case "auto": self = .auto
        default: self = .directory(argument)
        }
    }
}

/// What to resume from, and what a person should hear about it.
public struct Resumption: Sendable {
    /// Nil: start from the beginning.
    public let checkpoint: Checkpoint?
    public let notices: [CheckpointNotice]

    public init(checkpoint: Checkpoint?, notices: [CheckpointNotice]) {
        self.checkpoint = checkpoint
        self.notices = notices
    }
}

extension CheckpointStore {
    /// Finds, reads and checks the checkpoint that `policy` asks for.
    ///
    /// Throws `CheckpointError`.
    public func resumption(_ policy: ResumePolicy) throws -> Resumption {
        switch policy {
        case .latest: return try newest(orBeginning: false)
        case .auto: return try newest(orBeginning: true)
        case .directory(let path):
            let inside = CheckpointStore(runDirectory: path)
            let isCheckpoint = DurableFile.exists("\(path)/\(CheckpointManifest.fileName)")
            if !isCheckpoint, DurableFile.exists(path), (try? inside.steps().isEmpty) == false {
                return try inside.newest(orBeginning: false)
            }
            return Resumption(checkpoint: try CheckpointStore.load(path), notices: [])
        }
    }

    private func newest(orBeginning mayBegin: Bool) throws -> Resumption {
        let (checkpoint, refused) = try latestWhole()
        if checkpoint == nil {
            if !refused.isEmpty {
                throw CheckpointError.noneValid(runDirectory: runDirectory, refused: refused)
            }
            if !mayBegin { throw CheckpointError.missing(path: "\(runDirectory)/checkpoint-*") }
        }
        return Resumption(checkpoint: checkpoint, notices: refused.map(CheckpointNotice.refused))
    }
}
