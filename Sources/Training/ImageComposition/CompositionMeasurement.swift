import Checkpoints
import Telemetry

/// What is known of the samples of one model, on all ranks.
struct CompositionMeasurement {
    /// KL of each sample to each member.
    let divergences: [[Double]]
    /// KL of each sample to what else was compared; 0 where nothing was.
    let other: [Double]
    /// Of each column of rewards, for each sample.
    let rewards: [[Double]]
    /// Of the first samples, on rank 0.
    let pictures: [PNGImage]

    var samples: Int { other.count }

    /// Together with that of the samples that follow.
    func appending(_ next: CompositionMeasurement) -> CompositionMeasurement {
        CompositionMeasurement(
            divergences: zip(divergences, next.divergences).map { $0 + $1 }, other: other + next.other,
            rewards: zip(rewards, next.rewards).map { $0 + $1 }, pictures: pictures + next.pictures)
    }
}

extension CompositionMeasurement {
    func save(to tree: inout StateTree, at path: String) {
        tree.set(divergences.count, at: "\(path)/members")
        tree.set(rewards.count, at: "\(path)/columns")
        for (index, values) in (divergences + rewards + [other]).enumerated() {
            tree.set(values, at: "\(path)/values/\(index)")
        }
        for (index, picture) in pictures.enumerated() {
            tree["\(path)/pictures/\(index)"] = .array(
                StateArray(picture.pixels, shape: [picture.height, picture.width, 3]))
        }
    }

    init(from tree: StateTree, at path: String) throws {
        let (members, columns) = (try tree.count("\(path)/members"), try tree.count("\(path)/columns"))
        let values = try (0..<members + columns + 1).map { try tree.doubles("\(path)/values/\($0)") }
        divergences = Array(values.prefix(members))
        rewards = Array(values[members..<members + columns])
        other = values[members + columns]
        let count = tree.subtree("\(path)/pictures").count
        pictures = try (0..<count).map { index in
            let array = try tree.array("\(path)/pictures/\(index)", type: .u8)
            return PNGImage(
                width: array.shape[1], height: array.shape[0], channels: .rgb,
                pixels: array.elements(as: UInt8.self))
        }
    }
}
