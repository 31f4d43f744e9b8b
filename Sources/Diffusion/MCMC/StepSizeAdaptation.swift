import Foundation

/// Step sizes that follow a target acceptance rate, one per level.
///
/// A value, updated between runs from the counts of *all* chains: so it is the same on every rank and however
/// the chains were split, and within a run the kernel is a fixed one. Persistent chains follow slow changes of
/// the target.
public struct StepSizeAdaptation: Sendable, Hashable, Codable {
    public private(set) var levels: [AnnealingLevel]
    public let targetAcceptance: Double
    /// Change of log τ in the first update for a rate that is off by one; later ones shrink as 1/√k.
    public let gain: Double
    /// Updates so far.
    public private(set) var updates: Int

    public init(levels: [AnnealingLevel], targetAcceptance: Double, gain: Double = 1, updates: Int = 0) {
        precondition(
            targetAcceptance > 0 && targetAcceptance < 1,
            "StepSizeAdaptation: targetAcceptance is \(targetAcceptance), must lie between 0 and 1")
        self.levels = levels
        self.targetAcceptance = targetAcceptance
        self.gain = gain
        self.updates = updates
    }

    /// log τ ← log τ + gain/√k · (rate − target), level by level (Robbins & Monro 1951).
    public func updated(_ acceptances: [Acceptance]) -> StepSizeAdaptation {
        precondition(
            acceptances.count == levels.count,
            "StepSizeAdaptation: \(acceptances.count) rates for \(levels.count) levels")
        var next = self
        next.updates += 1
        let gain = gain / Double(next.updates).squareRoot()
        for (level, acceptance) in acceptances.enumerated() {
            guard let rate = acceptance.rate else { continue }
            next.levels[level].stepSize *= exp(gain * (rate - targetAcceptance))
        }
        return next
    }
}
