import ArgumentParser
import Training

/// `saddle score`.
struct Score: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Score PNG images by rewards, as JSON.",
        discussion: """
            Prints {"scores": [{"image": …, "prompt": …, "reward": …, "score": …}, …]}: a record for each image and \
            reward. Transparent pixels are laid over white. Rewards:

            \(rewardListing)

            docs/rewards.md has their formulas, and where to get the weights.

            Examples:
              saddle score --reward brightness-high colourfulness-high --image images/*.png
              saddle score --reward aesthetic=clip-l14 pick-score=PickScore_v1 \\
                --image fox.png bird.png --prompt "a red fox" "a blue bird"
            """)

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Rewards; learned ones with their directory.", valueName: "name[=weights]"))
    var reward: [String]

    @Option(parsing: .upToNextOption, help: ArgumentHelp("PNG files.", valueName: "file"))
    var image: [String]

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "What the images were to show: one text for all, or one for each.", valueName: "text"))
    var prompt: [String] = []

    func run() throws {
        try finish {
            reportingErrors {
                let rewards = reward.map(RewardReference.init(argument:))
                print(try scores(of: ScoreRequest(rewards: rewards, images: image, prompts: prompt)))
                return 0
            }
        }
    }
}
