/// Why a report cannot be made.
public enum ReportError: ExitCoded, Equatable, CustomStringConvertible {
    case missing(directory: String)
    /// The directory has none of the files a run writes.
    case notARun(directory: String)
    case unreadable(path: String, reason: String)
    case damaged(path: String, reason: String)

    public var exitCode: Int32 {
        switch self {
        case .missing, .notARun, .unreadable: ExitStatus.noInput
        case .damaged: ExitStatus.badData
        }
    }

    public var description: String {
        switch self {
        case .missing(let directory):
            "\(directory): no such directory. Name the run directory that was given as --output."
        case .notARun(let directory):
            "\(directory) is no run directory: it has no config.yaml, metrics.jsonl, summary.json or "
                + "checkpoint. Name the directory that was given as --output."
        case .unreadable(let path, let reason):
            "\(path): cannot read: \(reason). Check its permissions."
        case .damaged(let path, let reason):
            "\(path): \(reason). Restore the file from a copy, or move it away to report without it."
        }
    }
}
