/// Affine normalisation of a reward: r̃ = (r − mean) / deviation.
///
/// With the base model's statistics (method's eq. 89) thresholds read as "so many standard deviations better than
/// the base"; the identity leaves raw units.
public struct RewardScale: Sendable, Equatable, Codable {
    public var mean: Double
    public var deviation: Double

    public static let raw = RewardScale(mean: 0, deviation: 1)

    public init(mean: Double, deviation: Double) {
        self.mean = mean
        self.deviation = deviation
    }

    /// Mean and standard deviation from Σ r, Σ r² over `count` samples.
    public init(sum: Double, sumOfSquares: Double, count: Int) {
        mean = sum / Double(count)
        deviation = max(0, sumOfSquares / Double(count) - mean * mean).squareRoot()
    }

    public func normalized(_ value: Double) -> Double { (value - mean) / deviation }
}
