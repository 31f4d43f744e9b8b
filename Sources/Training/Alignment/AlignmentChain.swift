import Diffusion
import Models
import TensorCore

/// The reverse chain of an aligned model on vectors: base prediction plus stepwise correction.
struct AlignmentChain: Sendable {
    /// ε_base, frozen.
    let base: @Sendable (Tensor, Timesteps) throws -> Tensor
    let steps: [DDIMStep]
    let dimension: Int

    /// What a batch of chains ends with.
    struct Outcome {
        /// `[N, d]`.
        let samples: Tensor
        /// Path-wise divergence of each chain from the base, Σ_i ½‖u_i‖², `[N]`.
        let divergences: Tensor
    }

    /// Runs chains for consecutive samples; recorded through every step where recording is on.
    ///
    /// Chains come in antithetic pairs, −z beside z: what is linear in the noise then has no sampling error.
    ///
    /// - Parameter correction: nil for the base itself.
    func run(
        _ samples: Range<Int>, latents: RandomKey, noise: RandomKey, _ correction: StepwiseCorrection?
    ) throws -> Outcome {
        precondition(samples.count % 2 == 0, "AlignmentChain: \(samples.count) samples do not form pairs")
        let half = samples.lowerBound / 2
        let start = Tensor.normal([samples.count / 2, dimension], key: latents, firstSample: half)
        let draws = SampleNoise(noise, firstSample: half)
        let mirrored: (Tensor) -> Tensor = { .concatenated([$0, -$0]) }
        return try run(from: mirrored(start), correction) { mirrored(draws.normal($0, like: start)) }
    }

    /// Independent samples: no chain is the mirror image of another.
    func independent(
        _ samples: Range<Int>, latents: RandomKey, noise: RandomKey, _ correction: StepwiseCorrection?
    ) throws -> Tensor {
        let start = Tensor.normal([samples.count, dimension], key: latents, firstSample: samples.lowerBound)
        let draws = SampleNoise(noise, firstSample: samples.lowerBound)
        return try run(from: start, correction) { draws.normal($0, like: start) }.samples
    }

    private func run(
        from start: Tensor, _ correction: StepwiseCorrection?, noise: (Int) -> Tensor
    ) throws -> Outcome {
        var x = start
        var divergences = Tensor.zeros([start.shape[0]])
        for (index, step) in steps.enumerated() {
            let predicted = try base(x, .all(step.timestep))
            var next = x * step.stateScale + predicted * step.noiseScale
            if !step.isDeterministic {
                // c_i · (σ_i/|c_i|) u = ±σ_i u: the correction shifts the mean in units of the step's own noise.
                if let correction {
                    let u = correction(x, step: index)
                    divergences = divergences + u.squaredNorms() * 0.5
                    next = next + u * (step.noiseScale < 0 ? -step.sigma : step.sigma)
                }
                next = next + noise(index) * step.sigma
            }
            x = next
        }
        return Outcome(samples: x, divergences: divergences)
    }
}
