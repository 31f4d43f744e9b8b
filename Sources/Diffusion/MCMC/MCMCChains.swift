import Foundation
import TensorCore

/// Chains at one noise level, advanced together.
///
/// With ε = τσ, σ = √(1−ᾱ_t) and s = −ε̂/σ a leapfrog step needs no scores: half kicks are v −= ½τ ε̂, drifts
/// x += τσ v. What was computed at the current positions is kept for the next iteration.
struct MCMCChains {
    private(set) var positions: Tensor
    private let sampler: MCMCSampler
    private let target: AnnealedTarget
    private let noise: ChainNoise
    private var level = (timesteps: Timesteps.all(0), stepSize: 0.0, noiseScale: 0.0)
    /// Iterations so far, over all levels: the index of the next random draw.
    private var draw = 0
    private var momentum: Tensor?
    /// ε̂ at `positions`.
    private var prediction: Tensor?
    /// What the Metropolis test compares, at `positions`: see `energy(of:)`.
    private var energy: [Double]?

    init(positions: Tensor, sampler: MCMCSampler, target: AnnealedTarget, noise: ChainNoise) {
        self.positions = positions
        self.sampler = sampler
        self.target = target
        self.noise = noise
    }

    mutating func enter(_ level: AnnealingLevel, noiseScale: Double) {
        self.level = (.all(level.timestep), level.stepSize, noiseScale)
        prediction = nil
        energy = nil
    }

    mutating func run(iterations: Int) throws -> Acceptance {
        var acceptance = Acceptance()
        for _ in 0..<iterations { acceptance = acceptance + (try advance()) }
        return acceptance
    }

    /// The deterministic DDIM step between two levels.
    mutating func descend(_ schedule: NoiseSchedule, from timestep: Int, to next: Int) throws {
        let step = DDIMStep(
            timestep: timestep, alphaCumprod: schedule.alphaCumprod(at: timestep),
            previousAlphaCumprod: schedule.alphaCumprod(at: next), eta: 0)
        let noise = try prediction ?? target.noise(positions, level.timesteps)
        let denoised = try schedule.denoised(noise, from: positions, at: level.timesteps, as: .epsilon)
        positions = step.advanced(denoised, noise: nil)
    }

    private mutating func advance() throws -> Acceptance {
        defer { draw += 1 }
        let start = Phase(
            positions: positions, momentum: refreshedMomentum(),
            prediction: try prediction ?? target.noise(positions, level.timesteps))
        let end = try leapfrog(start)
        guard sampler.isAdjusted else {
            (positions, momentum, prediction) = (end.positions, end.momentum, end.prediction)
            return Acceptance()
        }
        return try test(start, end)
    }

    private func refreshedMomentum() -> Tensor {
        let fresh = noise.momenta.normal(draw, like: positions)
        guard let momentum else { return fresh }
        let kept = sampler.momentumPersistence
        return momentum * kept + fresh * (1 - kept * kept).squareRoot()
    }
}

/// A point of the chains' phase space, with what was predicted there.
private struct Phase {
    var positions: Tensor
    /// nil where nobody asks for it any more.
    var momentum: Tensor?
    var prediction: Tensor?
    /// Σ ⟨ε̂(middle) − ½ (ε̂(x) + ε̂(x')), v⟩ over the leapfrog steps that led here, for Simpson's rule.
    var bend: Tensor?
}

extension MCMCChains {
    private var keepsMomentum: Bool { sampler.momentumPersistence > 0 }

    /// Whether the test compares kinetic energies; line integrals of the score have them eliminated.
    private var testsMomentum: Bool {
        if case .density = target.test { sampler.isAdjusted } else { false }
    }

    private var needsMiddle: Bool {
        if case .simpson = target.test { sampler.isAdjusted } else { false }
    }

    private func leapfrog(_ start: Phase) throws -> Phase {
        guard var momentum = start.momentum, var prediction = start.prediction else { return start }
        var (positions, bend) = (start.positions, Tensor?.none)
        let (kick, drift) = (-level.stepSize, level.stepSize * level.noiseScale)
        momentum = momentum + prediction * (kick / 2)
        for step in 1...sampler.leapfrogSteps {
            let origin = positions
            positions = origin + momentum * drift
            let isLast = step == sampler.leapfrogSteps
            if isLast && !sampler.isAdjusted && !keepsMomentum {
                return Phase(positions: positions, momentum: nil, prediction: nil)
            }
            let before = prediction
            prediction = try target.noise(positions, level.timesteps)
            if needsMiddle {
                let middle = try target.noise(origin + momentum * (drift / 2), level.timesteps)
                let here = ((middle - (before + prediction) * 0.5) * momentum).rowSums()
                bend = bend.map { $0 + here } ?? here
            }
            if isLast && !keepsMomentum && !testsMomentum {
                return Phase(positions: positions, momentum: nil, prediction: prediction, bend: bend)
            }
            momentum = momentum + prediction * (isLast ? kick / 2 : kick)
        }
        return Phase(positions: positions, momentum: momentum, prediction: prediction, bend: bend)
    }

    /// Metropolis: each chain takes its proposal with probability min(1, e^Δ).
    ///
    /// One that stays turns its momentum around (Horowitz 1991). A proposal that is not a number is not taken.
    private mutating func test(_ start: Phase, _ end: Phase) throws -> Acceptance {
        let before = try energy ?? energy(of: start)
        let after = try energy(of: end)
        let change = logAcceptances(start, before, end, after)
        let uniforms = noise.tests.uniform(draw, samples: before.count)
        let accepted = zip(uniforms, change).map { log($0) < $1 }
        positions = end.positions.rows(where: accepted, else: start.positions)
        if let old = start.prediction { prediction = end.prediction?.rows(where: accepted, else: old) }
        if keepsMomentum, let old = start.momentum {
            momentum = end.momentum?.rows(where: accepted, else: -old)
        }
        energy = before.indices.map { accepted[$0] ? after[$0] : before[$0] }
        return Acceptance(accepted: accepted.count { $0 }, proposed: accepted.count)
    }

    /// Δ, the log acceptance probability before it is cut off at 0: the change of log π − ½‖v‖².
    ///
    /// The trapezoid's estimate of log π(x') − log π(x), less the change of ½‖v‖², telescopes over any number of
    /// leapfrog steps to ⅛ε² (‖s(x)‖² − ‖s(x')‖²) = ⅛τ² (‖ε̂(x)‖² − ‖ε̂(x')‖²); Simpson's rule differs from it by
    /// −⅔τ times the bend  (`docs/mcmc.md`).
    private func logAcceptances(
        _ start: Phase, _ before: [Double], _ end: Phase, _ after: [Double]
    ) -> [Double] {
        if testsMomentum {
            let kinetic = zip(kineticEnergy(start), kineticEnergy(end)).map { $0 - $1 }
            return zip(zip(before, after), kinetic).map { $0.0 - $0.1 + $1 }
        }
        let scale = level.stepSize * level.stepSize / 8
        let trapezoid = zip(before, after).map { scale * ($0 - $1) }
        guard let bend = end.bend else { return trapezoid }
        return zip(trapezoid, bend.doubles).map { $0 - 2 * level.stepSize / 3 * $1 }
    }

    /// −log π where it is known, else ‖ε̂‖².
    private func energy(of phase: Phase) throws -> [Double] {
        if case .density(let logDensity) = target.test {
            return try logDensity(phase.positions, level.timesteps).doubles.map { -$0 }
        }
        return phase.prediction?.squaredNorms().doubles ?? []
    }

    private func kineticEnergy(_ phase: Phase) -> [Double] {
        (phase.momentum?.squaredNorms().doubles ?? []).map { $0 / 2 }
    }
}

extension Tensor {
    /// Rows of self where the flag is set, rows of `other` elsewhere; what is not taken may be NaN.
    fileprivate func rows(where flags: [Bool], else other: Tensor) -> Tensor {
        if flags.allSatisfy({ $0 }) { return self }
        if !flags.contains(true) { return other }
        let count = flags.count
        let both = Tensor.concatenated([self, other]).reshaped(2 * count, -1)
        let chosen = flags.enumerated().map { Int32($1 ? $0 : count + $0) }
        return embedding(both, Tensor(indices: chosen, on: device)).reshaped(shape.dimensions)
    }
}
