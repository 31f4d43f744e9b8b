import Distributed
import TensorCore

/// Scores images where the rewards are: within a group of ranks that share the rewards, images go to the owners,
/// and values and weighted image gradients come back.
///
/// What comes back is added in the order of the rewards, so its bits do not depend on who holds which.
struct RewardExchange: Sendable {
    let panel: RewardPanel
    let layout: RankLayout
    /// The ranks that share the rewards.
    private let group: any Communicator
    private let world: any Communicator

    init(
        _ configurations: [ImageRewardConfiguration], shards: Int, of communicator: any Communicator
    ) throws {
        let layout = try RankLayout(ranks: communicator.size, items: configurations.count, shards: shards)
        self.layout = layout
        world = communicator
        group = shards == 1 ? SingleCommunicator() : try layout.groups(of: communicator).sample
        panel = try communicator.failTogether(exitCode: exitCode(for:)) {
            try RewardPanel(configurations, owned: layout.items(of: communicator.rank))
        }
    }

    /// What rank 0 of so many would hold, for planning; it can score nothing with the others.
    init(_ configurations: [ImageRewardConfiguration], planning layout: RankLayout) throws {
        self.layout = layout
        (group, world) = (SingleCommunicator(), SingleCommunicator())
        panel = try RewardPanel(configurations, owned: layout.items(of: 0))
    }

    /// Scores this rank's images; every rank calls it, those without images too.
    ///
    /// - Parameters:
    ///   - counts: how many images each rank of the group has.
    ///   - prompts: of each rank's images.
    ///   - shape: of one image, `[H, W, 3]`.
    func scores(
        _ own: Tensor?, counts: [Int], prompts: [[String]], shape: [Int], weights: [Double]
    ) throws -> RewardScores? {
        let size = shape.reduce(1, *)
        let images = try group.allGatherEach(own?.floats ?? [])
        let answers = try world.failTogether(exitCode: exitCode(for:)) {
            try counts.indices.flatMap { member -> [Float] in
                guard counts[member] > 0 else { return [] }
                let pictures = Tensor(images[member], shape: Shape([counts[member]] + shape))
                return try panel.owned.flatMap { index -> [Float] in
                    let (values, gradient) = try panel.score(
                        index, pictures, prompts: prompts[member], weight: weights[index])
                    return values.map(Float.init) + (gradient?.floats ?? [])
                }
            }
        }
        let all = try group.allGatherEach(answers)
        guard let own else { return nil }
        var scores = RewardScores(values: [])
        for (rank, answer) in all.enumerated() {
            let held = layout.items(of: rank)
            let length = { (member: Int, index: Int) in
                counts[member] * (1 + (weights[index] != 0 ? size : 0))
            }
            var place = (0..<group.rank).reduce(0) { sum, member in
                held.reduce(sum) { $0 + length(member, $1) }
            }
            for index in held {
                let count = counts[group.rank]
                scores.values.append(answer[place..<place + count].map(Double.init))
                if weights[index] != 0 {
                    let gradient = Array(answer[(place + count)..<(place + count * (1 + size))])
                    scores.add(Tensor(gradient, shape: own.shape))
                }
                place += length(group.rank, index)
            }
        }
        return scores
    }
}
