import Foundation
import TensorCore

/// How much of a sample is left at each timestep: x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε.
///
/// A value; tables in double, indexed by timestep t in 0..<T.
public struct NoiseSchedule: Sendable, Equatable {
    /// β_t, the variance added from t − 1 to t.
    public let betas: [Double]
    /// ᾱ_t = Π_{s ≤ t} (1 − β_s).
    public let alphasCumprod: [Double]

    /// - Throws: `DiffusionError.invalidSchedule` unless every β lies in [1e-12, 1), the last at most 1.
    public init(betas: [Double]) throws {
        try Self.check(betas)
        self.betas = betas
        var product = 1.0
        self.alphasCumprod = betas.map { beta in
            product *= 1 - beta
            return product
        }
    }

    /// A schedule of one of the usual families.
    public init(
        _ kind: BetaSchedule, trainSteps: Int = 1000, betaStart: Double = 0.0001, betaEnd: Double = 0.02
    ) throws {
        try self.init(betas: kind.betas(count: max(trainSteps, 0), start: betaStart, end: betaEnd))
    }

    /// T.
    public var trainSteps: Int { betas.count }

    public func alphaCumprod(at timestep: Int) -> Double {
        precondition(
            betas.indices.contains(timestep),
            "NoiseSchedule: timestep \(timestep) is not in 0..<\(trainSteps)")
        return alphasCumprod[timestep]
    }

    /// √ᾱ_t.
    public func signalScale(at timestep: Int) -> Double { alphaCumprod(at: timestep).squareRoot() }

    /// √(1−ᾱ_t).
    public func noiseScale(at timestep: Int) -> Double { (1 - alphaCumprod(at: timestep)).squareRoot() }

    /// γ_t = √((1−ᾱ_t)/ᾱ_t); infinite where ᾱ_t = 0.
    public func noiseToSignal(at timestep: Int) -> Double {
        noiseScale(at: timestep) / signalScale(at: timestep)
    }

    private static let leastBeta = 1e-12

    private static func check(_ betas: [Double]) throws {
        var problems = betas.isEmpty ? ["it has no timesteps; give at least one"] : []
        for (timestep, beta) in betas.enumerated() {
            // β = 1 ends the schedule in pure noise; earlier it would leave nothing to add noise to.
            let isLast = timestep == betas.count - 1
            // Smaller ones are lost in 1 − β.
            if !(beta >= Self.leastBeta && (isLast ? beta <= 1 : beta < 1)) {
                problems.append(
                    "beta at timestep \(timestep) is \(beta), must lie between \(Self.leastBeta) and 1")
                break
            }
        }
        if !problems.isEmpty { throw DiffusionError.invalidSchedule(problems) }
    }
}

extension NoiseSchedule {
    /// T noise levels evenly spaced in log γ: quadrature nodes for models whose score is known at any level.
    ///
    /// - Throws: `DiffusionError.invalidSchedule` unless 0 < lowest < highest and there are two levels or more.
    public init(noiseToSignal range: ClosedRange<Double>, levels: Int) throws {
        guard range.lowerBound > 0, range.lowerBound < range.upperBound, levels >= 2 else {
            throw DiffusionError.invalidSchedule([
                "levels in log γ need a range within (0, ∞) and at least 2 levels,"
                    + " got \(range) and \(levels)"
            ])
        }
        let (low, high) = (log(range.lowerBound), log(range.upperBound))
        let alphas = (0..<levels).map { level in
            1 / (1 + exp(2 * (low + (high - low) * Double(level) / Double(levels - 1))))
        }
        try self.init(betas: zip(alphas, [1] + alphas).map { 1 - $0 / $1 })
    }

    /// The same schedule stretched to end in pure noise, ᾱ_{T−1} = 0.
    ///
    /// Lin et al. 2024, Algorithm 1.
    public func rescaledToZeroTerminalSNR() throws -> NoiseSchedule {
        let roots = alphasCumprod.map { $0.squareRoot() }
        guard let first = roots.first, let last = roots.last, first > last else {
            throw DiffusionError.invalidSchedule([
                "rescaling to zero terminal SNR needs two timesteps or more"
            ])
        }
        let alphas = roots.map { root in
            let rescaled = (root - last) * first / (first - last)
            return rescaled * rescaled
        }
        return try NoiseSchedule(betas: zip(alphas, [1] + alphas).map { 1 - $0 / $1 })
    }
}
