import Foundation
import Rewards

/// What `saddle score` is asked.
public struct ScoreRequest: Sendable {
    public var rewards: [RewardReference]
    /// PNG files.
    public var images: [String]
    /// One for all images, one for each, or none where no reward reads it.
    public var prompts: [String]

    public init(rewards: [RewardReference], images: [String], prompts: [String]) {
        self.rewards = rewards
        self.images = images
        self.prompts = prompts
    }

    func prompt(ofImage index: Int) -> String? {
        prompts.count == 1 ? prompts[0] : prompts.dropFirst(index).first
    }

    /// The rewards by name, once the options go together and the files are there.
    ///
    /// - Throws: `ImageRewardError`, `ScoreError`.
    func entries() throws -> [ImageRewardEntry] {
        let entries = try rewards.map { reference in
            let entry = try ImageRewards.entry(named: reference.name)
            try entry.check(weights: reference.weights)
            return entry
        }
        let readers = entries.filter(\.readsPrompts).map(\.name)
        guard !prompts.isEmpty || readers.isEmpty else {
            throw ScoreError.option(
                "--prompt is missing; \(readers.joined(separator: " and ")) compares images with it.")
        }
        guard [0, 1, images.count].contains(prompts.count) else {
            throw ScoreError.option(
                "--prompt has \(prompts.count) texts for \(images.count) images; give one for all, or one for each."
            )
        }
        for path in images where !FileManager.default.isReadableFile(atPath: path) {
            throw ScoreError.unreadable(path: path)
        }
        return entries
    }
}

/// A reward by name, and where its files are.
public struct RewardReference: Sendable, Equatable {
    public var name: String
    public var weights: String?

    public init(name: String, weights: String? = nil) {
        self.name = name
        self.weights = weights
    }

    /// `NAME` or `NAME=WEIGHTS`.
    public init(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        self.init(name: String(parts[0]), weights: parts.count > 1 ? String(parts[1]) : nil)
    }
}

/// Why images are not scored.
public enum ScoreError: ExitCoded, Equatable, CustomStringConvertible {
    /// An option that is missing or does not go with the others.
    case option(String)
    case unreadable(path: String)
    case notFinite(reward: String, image: String)

    public var exitCode: Int32 {
        switch self {
        case .option: ExitStatus.usage
        case .unreadable: ExitStatus.noInput
        case .notFinite: ExitStatus.internal
        }
    }

    public var description: String {
        switch self {
        case .option(let what): what
        case .unreadable(let path): "\(path): no file that can be read. Check the path and its permissions."
        case .notFinite(let reward, let image):
            "\(reward) of \(image) is not a finite number. Check the weights of the reward."
        }
    }
}

extension ImageRewardError: ExitCoded {
    public var exitCode: Int32 {
        switch self {
        case .unknownName, .needsWeights, .takesNoWeights: ExitStatus.usage
        case .imageTooSmall: ExitStatus.badData
        }
    }
}

/// One line for each image reward: its name and what it is.
public var rewardListing: String {
    let width = ImageRewards.names.map(\.count).max() ?? 0
    return ImageRewards.all.map { entry in
        "  \(entry.name.padding(toLength: width + 2, withPad: " ", startingAt: 0))\(entry.summary)"
    }.joined(separator: "\n")
}
