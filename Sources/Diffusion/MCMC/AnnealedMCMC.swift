import TensorCore

/// One noise level of an annealed run.
public struct AnnealingLevel: Sendable, Hashable, Codable {
    public var timestep: Int
    /// τ: the leapfrog step is ε = τ √(1−ᾱ_t).
    ///
    /// Scores of noised distributions bend at most as fast as the noise
    /// itself, so τ < 2 is stable at every level.
    public var stepSize: Double
    /// Iterations of the sampler.
    public var iterations: Int

    public init(timestep: Int, stepSize: Double, iterations: Int) {
        precondition(
            stepSize > 0 && iterations >= 0,
            "AnnealingLevel: needs a positive step size and no negative count, got \(stepSize), \(iterations)"
        )
        self.timestep = timestep
        self.stepSize = stepSize
        self.iterations = iterations
    }
}

/// What a run samples at each level.
public struct AnnealedTarget {
    /// ε(x, t), −√(1−ᾱ_t) times the score; for a product Σ λ_i ε_i.
    public var noise: NoisePredictor
    /// How the Metropolis test learns of log π_t(x') − log π_t(x).
    public var test: EnergyTest

    public init(noise: @escaping NoisePredictor, test: EnergyTest = .simpson) {
        self.noise = noise
        self.test = test
    }
}

/// Sources of the difference of log densities between two points.
///
/// `docs/mcmc.md` derives and compares them.
public enum EnergyTest {
    /// ½ (s(x) + s(x'))·(x' − x) along each leapfrog step: free, and exact where the score is linear (Gaussians).
    /// Elsewhere it leaves a bias of the size of ULA's.
    case trapezoid
    /// Simpson's rule with the score half-way along each leapfrog step: twice the evaluations, exact where the
    /// score is cubic.
    case simpson
    /// log π_t(x) up to a constant: no bias. x is `[N, …]`, the result `[N]`.
    case density((_ x: Tensor, _ timesteps: Timesteps) throws -> Tensor)
}

/// How chains pass from one level to the next.
public enum LevelTransition: String, Sendable, Codable, CaseIterable {
    /// They stay where they are.
    case hold
    /// By a deterministic DDIM step, which brings them close to the next level's distribution.
    case ddim
}

/// Random numbers of the chains: chain c gets the same ones in whatever batch it runs.
///
/// A run starts with the first draw of both streams, so each run needs its own `step` of the keys.
public struct ChainNoise: Sendable {
    public let momenta: SampleNoise
    public let tests: SampleNoise

    /// - Parameters:
    ///   - momenta: key of the normals; `tests`: key of the uniforms, another stream.
    ///   - firstChain: global index of the first chain of the batch.
    ///   - isMirrored: see `SampleNoise`; a linear score then moves the middle of a pair without any noise.
    public init(momenta: RandomKey, tests: RandomKey, firstChain: Int = 0, isMirrored: Bool = false) {
        precondition(momenta != tests, "ChainNoise: momenta and tests need different streams")
        self.momenta = SampleNoise(momenta, firstSample: firstChain, isMirrored: isMirrored)
        self.tests = SampleNoise(tests, firstSample: firstChain, isMirrored: isMirrored)
    }
}

/// The chains at the end of a run.
public struct AnnealedSample {
    /// `[N, …]`, at the noise of the last level.
    public let positions: Tensor
    /// One per level.
    public let acceptances: [Acceptance]
}

/// Annealed MCMC: runs the chains through the levels in order.
///
/// Du et al. 2023, Algorithm 1.
///
/// Nothing is recorded. Persistent chains start anywhere: pass their positions and the levels from theirs on.
///
/// - Parameters:
///   - positions: of the chains at the start, `[N, …]`; standard normal where the first level is pure noise.
///   - levels: from much noise to little.
public func annealedSample(
    from positions: Tensor, schedule: NoiseSchedule, levels: [AnnealingLevel], sampler: MCMCSampler,
    target: AnnealedTarget, noise: ChainNoise, transition: LevelTransition = .hold
) throws -> AnnealedSample {
    try withoutRecording {
        var chains = MCMCChains(
            positions: positions.detached, sampler: sampler, target: target, noise: noise)
        var acceptances: [Acceptance] = []
        for (index, level) in levels.enumerated() {
            if index > 0, transition == .ddim {
                try chains.descend(schedule, from: levels[index - 1].timestep, to: level.timestep)
            }
            chains.enter(level, noiseScale: schedule.noiseScale(at: level.timestep))
            acceptances.append(try chains.run(iterations: level.iterations))
        }
        return AnnealedSample(positions: chains.positions, acceptances: acceptances)
    }
}
