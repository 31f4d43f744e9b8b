import Checkpoints

/// The JSON of `saddle inspect`: what is inside a checkpoint.
public func inspection(ofCheckpoint path: String) throws -> String {
    try CheckpointJSON.text(of: CheckpointInspection(CheckpointStore.load(path)))
}

/// The JSON of `saddle verify`, and whether the checkpoint is whole.
public func verification(ofCheckpoint path: String) throws -> (json: String, isValid: Bool) {
    let report = try CheckpointStore.verify(path)
    return (try CheckpointJSON.text(of: report), report.valid)
}
