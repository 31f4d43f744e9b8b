import Foundation

/// Why a checkpoint could not be written, found or trusted.
public enum CheckpointError: Error, Equatable, CustomStringConvertible {
    /// What a command should tell its caller by the exit code.
    public enum Category: Sendable {
        /// The run directory does not take the data: full disk, read-only, I/O error (73, 74).
        case cannotWrite
        /// There is data, but it is not whole or not ours (65).
        case corrupt
        /// There is nothing at that place, or it may not be read (66).
        case missing
        /// Another job works in the run directory.
        case busy
    }

    /// `operation` on `path` failed with this `errno`. Older checkpoints are intact.
    case writeFailed(operation: String, path: String, code: Int32)
    case readFailed(operation: String, path: String, code: Int32)
    /// There is no checkpoint at `path`.
    case missing(path: String)
    /// The checkpoint at `path` is not whole.
    case damaged(path: String, problems: [String])
    /// The run directory has checkpoints, but none is whole.
    case noneValid(runDirectory: String, refused: [RefusedCheckpoint])
    /// A valid checkpoint of this step is there already, with another state.
    case stepTaken(path: String)
    /// The state cannot be represented in a file.
    case notStorable(reason: String)
    /// Another job holds the run directory. `proven`: the system itself says that the holder lives.
    case locked(path: String, holder: WriterIdentity?, proven: Bool)

    public var category: Category {
        switch self {
        case .writeFailed, .stepTaken, .notStorable: .cannotWrite
        case .damaged, .noneValid: .corrupt
        case .missing: .missing
        case .readFailed(_, _, let code):
            [ENOENT, ENOTDIR, EACCES, EPERM, ELOOP].contains(code) ? .missing : .corrupt
        case .locked: .busy
        }
    }

    public var description: String {
        switch self {
        case .writeFailed(let operation, let path, let code):
            "cannot \(operation) \(path): \(CheckpointError.reason(code)); "
                + CheckpointError.remedy(code) + " (older checkpoints are intact)"
        case .readFailed(let operation, let path, let code):
            "cannot \(operation) \(path): \(CheckpointError.reason(code))"
        case .missing(let path):
            "no checkpoint at \(path); start without --resume, or name a directory checkpoint-<step>"
        case .damaged(let path, let problems):
            "checkpoint \(path) is damaged: \(problems.joined(separator: "; ")); "
                + "resume from an older one, or use --resume latest, which finds the newest whole one"
        case .noneValid(let runDirectory, let refused):
            "none of the \(refused.count) checkpoints in \(runDirectory) is whole: "
                + refused.map(\.description).joined(separator: "; ")
                + "; restore one from a copy, or start in another --output"
        case .stepTaken(let path):
            "\(path) is a whole checkpoint with another state, and checkpoints are never overwritten; "
                + "use another --output, or move it away"
        case .notStorable(let reason):
            "the state cannot be stored: \(reason)"
        case .locked(let path, let holder, let proven):
            "another job works in this run directory: \(holder?.description ?? "unknown holder") (\(path)); "
                + "wait for it, or use another --output"
                + (proven ? "" : "; if it is certainly gone, delete that file")
        }
    }

    private static func reason(_ code: Int32) -> String {
        "\(String(cString: strerror(code))) (errno \(code))"
    }

    private static func remedy(_ code: Int32) -> String {
        switch code {
        case ENOSPC, EDQUOT: "free space or keep fewer checkpoints"
        case EFBIG: "raise the limit on file size (ulimit -f)"
        case EROFS, EACCES, EPERM: "choose an --output that you may write to"
        case ENOENT, ENOTDIR, EEXIST: "check the --output path"
        default: "check the file system, or choose another --output"
        }
    }
}

/// A checkpoint that was passed over, and why.
public struct RefusedCheckpoint: Sendable, Equatable, Codable, CustomStringConvertible {
    public let directory: String
    public let problems: [String]

    public var description: String { "\(directory): \(problems.joined(separator: ", "))" }
}

/// Something a person should hear about, though the work goes on.
public enum CheckpointNotice: Sendable, Equatable, CustomStringConvertible {
    /// A damaged checkpoint was passed over for an older one.
    case refused(RefusedCheckpoint)
    /// A damaged checkpoint of the step being saved was renamed, not deleted.
    case movedAside(from: String, to: String)
    /// What a killed job had left behind was deleted.
    case leftoverRemoved(String)
    /// A directory was left alone although it was due for deletion.
    case kept(String, reason: String)

    public var description: String {
        switch self {
        case .refused(let refused): "refused damaged checkpoint \(refused)"
        case .movedAside(let from, let to): "damaged checkpoint \(from) moved aside to \(to)"
        case .leftoverRemoved(let path): "removed the unfinished save \(path)"
        case .kept(let path, let reason): "kept \(path): \(reason)"
        }
    }
}
