import Distributed
import Foundation
import Rewards
import TensorCore

extension ImageCompositionConfiguration {
    /// The rewards that this rank holds; nil where there are none at all.
    func loadRewards(texts: [String], layout: RankLayout, rank: Int) throws -> CompositionRewards? {
        guard !rewards.isEmpty else { return nil }
        return try CompositionRewards(
            rewards, concepts: hasConcepts ? texts : nil, layout: layout, rank: rank)
    }
}

/// The rewards that images of a composition are measured by, divided over the ranks of a sample group, which all have
/// the images.
///
/// A reward that reads prompts compares an image with its own text, or, where the members are concepts, with each of
/// them: a column of numbers for each comparison.
struct CompositionRewards: Sendable {
    /// One comparison.
    struct Probe: Sendable, Equatable {
        let reward: Int
        /// What the image is compared with in place of its own text.
        let text: String?
    }

    let probes: [Probe]
    private let panel: RewardPanel

    var columns: Int { probes.count }

    /// - Parameters:
    ///   - concepts: what images are compared with; nil for their own texts.
    ///   - layout: of the members.
    /// - Throws: `ImageRewardError`, and what reading the rewards' files throws.
    init(
        _ rewards: [CompositionRewardConfiguration], concepts: [String]?, layout: RankLayout, rank: Int
    ) throws {
        let owners = try RankLayout(ranks: layout.ranks, items: rewards.count, shards: layout.shards)
        let configurations = rewards.map {
            ImageRewardConfiguration(name: $0.name, reward: $0.reward, weights: $0.weights, threshold: 0)
        }
        panel = try RewardPanel(configurations, owned: owners.items(of: rank))
        probes = try rewards.enumerated().flatMap { index, reward in
            let readsPrompts = try ImageRewards.entry(named: reward.reward).readsPrompts
            guard let concepts, readsPrompts else { return [Probe(reward: index, text: nil)] }
            return concepts.map { Probe(reward: index, text: $0) }
        }
    }

    /// What this rank's rewards say of images.
    ///
    /// - Parameters:
    ///   - images: `[N, H, W, 3]` in 0…1.
    ///   - texts: what each image was made for.
    ///   - firstColumn: of the first probe.
    func parts(
        _ images: Tensor, _ texts: [String], _ rows: Range<Int>, firstColumn: Int
    ) throws -> [TablePart] {
        try probes.enumerated().filter { panel.owned.contains($0.element.reward) }.map { index, probe in
            let prompts = probe.text.map { text in texts.map { _ in text } } ?? texts
            let values = try panel.score(probe.reward, images, prompts: prompts, weight: 0).values
            return TablePart(rows: rows, column: firstColumn + index, values: values)
        }
    }
}
