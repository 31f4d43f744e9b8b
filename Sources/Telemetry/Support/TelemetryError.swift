/// What can go wrong between a run and the files and pictures it leaves behind.
public enum TelemetryError: Error, Equatable, CustomStringConvertible {
    case cannotWrite(path: String, reason: String)
    case cannotRead(path: String, reason: String)
    /// A resumed run would append rows with other columns than the file's header names.
    case columnsChanged(path: String, expected: String)
    /// `source` is a path, or "memory" for bytes that never were a file.
    case damagedImage(source: String, reason: String)

    public var description: String {
        switch self {
        case .cannotWrite(let path, let reason):
            "cannot write \(path): \(reason). Check free space, quota and permissions of its directory."
        case .cannotRead(let path, let reason):
            "cannot read \(path): \(reason). Check that the path is a readable file of this run."
        case .columnsChanged(let path, let expected):
            "\(path) does not begin with the header of this run (\(expected)). "
                + "Resume with the configuration the run was started with, or move the file away."
        case .damagedImage(let source, let reason):
            "not a usable PNG image (\(source)): \(reason). Write the image again or take another file."
        }
    }
}
