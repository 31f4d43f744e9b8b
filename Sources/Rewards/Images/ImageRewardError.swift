/// Why a reward cannot be had, or cannot score a picture.
public enum ImageRewardError: Error, Equatable, CustomStringConvertible {
    case unknownName(String, known: [String])
    /// `contents` says what its files are.
    case needsWeights(reward: String, contents: String)
    case takesNoWeights(reward: String)
    case imageTooSmall(reward: String, height: Int, width: Int, smallestSide: Int)

    public var description: String {
        switch self {
        case .unknownName(let name, let known):
            "no reward is called \"\(name)\""
                + (nearestMatch(to: name, among: known).map { "; did you mean \"\($0)\"?" } ?? ".")
                + " Rewards: \(known.joined(separator: ", "))."
        case .needsWeights(let reward, let contents):
            "reward \(reward) needs weights: \(contents). See docs/rewards.md."
        case .takesNoWeights(let reward):
            "reward \(reward) is a formula and takes no weights; leave them out."
        case .imageTooSmall(let reward, let height, let width, let smallestSide):
            "reward \(reward) needs images of at least \(smallestSide) × \(smallestSide) pixels, got "
                + "\(width) × \(height)"
        }
    }
}
