/// The checkpoints of one run directory.
///
/// Reading needs no lock; saving and deleting need the run's lock.
public struct CheckpointStore: Sendable {
    /// Without trailing slash.
    public let runDirectory: String

    public init(runDirectory: String) {
        self.runDirectory = CheckpointStore.withoutTrailingSlash(runDirectory)
    }

    /// Where the checkpoint of `step` is or would be.
    public func directory(ofStep step: Int) -> String {
        "\(runDirectory)/\(CheckpointName.final(step))"
    }

    /// Steps of all checkpoints, whole or not, in ascending order; empty when there is no run directory.
    public func steps() throws -> [Int] {
        guard DurableFile.exists(runDirectory) else { return [] }
        return try DurableFile.names(in: runDirectory).compactMap(CheckpointName.step).sorted()
    }

    /// Reads and checks the checkpoint in `directory`.
    ///
    /// Throws `CheckpointError.missing` or `.damaged`.
    public static func load(_ directory: String) throws -> Checkpoint {
        let directory = withoutTrailingSlash(directory)
        guard DurableFile.exists(directory) else { throw CheckpointError.missing(path: directory) }
        let examination = Examination(directory: directory)
        guard let checkpoint = examination.checkpoint else {
            throw CheckpointError.damaged(path: directory, problems: examination.problems)
        }
        return checkpoint
    }

    /// Checks the checkpoint in `directory` and reports everything that is wrong with it.
    public static func verify(_ directory: String) throws -> VerificationReport {
        let directory = withoutTrailingSlash(directory)
        guard DurableFile.exists(directory) else { throw CheckpointError.missing(path: directory) }
        return Examination(directory: directory).report
    }

    /// The newest whole checkpoint, nil when there is none, and the damaged ones that are newer.
    public func latestWhole() throws -> (checkpoint: Checkpoint?, refused: [RefusedCheckpoint]) {
        var refused: [RefusedCheckpoint] = []
        for step in try steps().reversed() {
            let examination = Examination(directory: directory(ofStep: step))
            if let checkpoint = examination.checkpoint { return (checkpoint, refused) }
            refused.append(examination.refused)
        }
        return (nil, refused)
    }

    package static func withoutTrailingSlash(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}
