import Checkpoints
import Foundation
import Rewards

/// Mean and deviation of rewards under the base model, as a file.
struct BaseStatistics: Codable, Equatable {
    struct Entry: Codable, Equatable {
        let mean: Double
        let deviation: Double
        let samples: Int
    }

    static let fileName = "base-statistics.json"

    /// What the numbers depend on beside the reward.
    let population: String
    /// By the reward's name in the catalogue, with its weights.
    let rewards: [String: Entry]

    init(_ measured: ImageMeasurement, _ configuration: ImageAlignmentConfiguration, prompts: [String]) {
        population = Self.population(configuration, prompts: prompts)
        rewards = Dictionary(
            configuration.rewards.indices.map { index in
                (
                    Self.key(configuration.rewards[index]),
                    Entry(
                        mean: measured.statistics[index].mean,
                        deviation: measured.statistics[index].deviation,
                        samples: measured.samples)
                )
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Reads a file, and checks that it is about the same images and rewards.
    ///
    /// - Throws: `BaseStatisticsError`.
    init(
        _ data: Data, of file: String, for configuration: ImageAlignmentConfiguration, prompts: [String]
    ) throws {
        func refuse(_ reason: String) -> BaseStatisticsError {
            BaseStatisticsError(path: file, reason: reason)
        }
        do {
            self = try JSONDecoder().decode(BaseStatistics.self, from: data)
        } catch { throw refuse("is no statistics file; remove it, and it is written anew") }
        guard population == Self.population(configuration, prompts: prompts) else {
            throw refuse(
                "was measured with another model, prompts, sampling, seed or batch; remove it, or name another file"
            )
        }
        if let missing = configuration.rewards.first(where: { rewards[Self.key($0)] == nil }) {
            throw refuse("has nothing on reward \(missing.reward); remove it, or name another file")
        }
    }

    /// The scale of each reward: raw where the configuration wants no other.
    func scales(_ configurations: [ImageRewardConfiguration]) -> [RewardScale] {
        configurations.map { reward in
            guard reward.normalize == .base, let entry = rewards[Self.key(reward)] else { return .raw }
            return RewardScale(mean: entry.mean, deviation: entry.deviation)
        }
    }

    private static func key(_ reward: ImageRewardConfiguration) -> String {
        ([reward.reward] + (reward.weights.map { [$0] } ?? [])).joined(separator: "=")
    }

    private static func population(
        _ configuration: ImageAlignmentConfiguration, prompts: [String]
    ) -> String {
        let parts = [
            configuration.model, configuration.dtype.rawValue, "\(configuration.sampling)",
            "\(configuration.seed)", "\(configuration.statistics.batches)",
            "\(configuration.training.batch)", prompts.joined(separator: "\n"),
        ]
        return SHA256Digest.hexadecimal(of: Array(parts.joined(separator: "\u{0}").utf8))
    }
}

/// A file of statistics that cannot be used.
struct BaseStatisticsError: ExitCoded, CustomStringConvertible {
    let path: String
    let reason: String

    var exitCode: Int32 { ExitStatus.badData }
    var description: String { "\(path) \(reason)" }
}
