import TensorCore

/// A number that says how bright, contrasty or colourful a picture is.
public protocol ImageStatistic: Sendable {
    var name: String { get }
    /// Its formula, in words.
    var summary: String { get }
    /// Pixels that either side of a picture must have.
    var smallestSide: Int { get }

    /// - Shapes: images `[N, H, W, 3]`, RGB in 0...1; result `[N]`.
    func callAsFunction(_ images: Tensor) -> Tensor
}

extension ImageStatistic {
    public var smallestSide: Int { 1 }
}

/// A statistic that is to be high, or to be low: ± its value.
public struct StatisticReward: ImageReward {
    public enum Direction: String, Sendable, CaseIterable { case high, low }

    private let statistic: any ImageStatistic
    private let direction: Direction

    public init(_ statistic: any ImageStatistic, _ direction: Direction) {
        self.statistic = statistic
        self.direction = direction
    }

    public var name: String { "\(statistic.name)-\(direction.rawValue)" }

    public func callAsFunction(_ images: Tensor, prompts: [String]) throws -> Tensor {
        let (height, width) = (images.shape[1], images.shape[2])
        guard min(height, width) >= statistic.smallestSide else {
            throw ImageRewardError.imageTooSmall(
                reward: name, height: height, width: width, smallestSide: statistic.smallestSide)
        }
        let value = statistic(images)
        return direction == .high ? value : -value
    }

    var entry: ImageRewardEntry {
        ImageRewardEntry(
            self, summary: direction == .high ? statistic.summary : "minus \(statistic.name)-high")
    }
}
