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
        /// Σ zᵀz over the chains for every step, `[features, features]`; empty if nobody asked.
        let moments: [Tensor]
    }

    /// Runs chains for consecutive samples; recorded through every step where recording is on.
    ///
    /// Chains come in antithetic pairs, −z beside z: what is linear in the noise then has no sampling error.
    ///
    /// - Parameters:
    ///   - correction: nil for the base itself.
    ///   - measuresMoments: whether to sum the moments of the correction's features.
    func run(
        _ samples: Range<Int>, latents: RandomKey, noise: RandomKey, _ correction: StepwiseCorrection?,
        measuresMoments: Bool = false
    ) throws -> Outcome {
        let (start, steps) = draws(samples, latents, noise, isMirrored: true)
        return try run(from: start, correction, measuresMoments, noise: steps)
    }

    /// Independent samples: no chain is the mirror image of another.
    func independent(
        _ samples: Range<Int>, latents: RandomKey, noise: RandomKey, _ correction: StepwiseCorrection?
    ) throws -> Tensor {
        let (start, steps) = draws(samples, latents, noise, isMirrored: false)
        return try run(from: start, correction, false, noise: steps).samples
    }

    private func draws(
        _ samples: Range<Int>, _ latents: RandomKey, _ noise: RandomKey, isMirrored: Bool
    ) -> (start: Tensor, steps: (Int) -> Tensor) {
        let blank = Tensor.zeros([samples.count, dimension])
        let draws = { SampleNoise($0, firstSample: samples.lowerBound, isMirrored: isMirrored) }
        let steps = draws(noise)
        return (draws(latents).normal(0, like: blank), { steps.normal($0, like: blank) })
    }

    private func run(
        from start: Tensor, _ correction: StepwiseCorrection?, _ measuresMoments: Bool, noise: (Int) -> Tensor
    ) throws -> Outcome {
        var x = start
        var divergences = Tensor.zeros([start.shape[0]])
        var moments: [Tensor] = []
        for (index, step) in steps.enumerated() {
            let predicted = try base(x, .all(step.timestep))
            var next = x * step.stateScale + predicted * step.noiseScale
            if let correction {
                let z = correction.features(x, step: index)
                if measuresMoments {
                    moments.append(withoutRecording { matmul(z.detached, z.detached, transposeA: true) })
                }
                if !step.isDeterministic {
                    // c_i · (σ_i/|c_i|) u = ±σ_i u: it shifts the mean in units of the step's own noise.
                    let u = correction(z, step: index)
                    divergences = divergences + u.squaredNorms() * 0.5
                    next = next + u * (step.noiseScale < 0 ? -step.sigma : step.sigma)
                }
            }
            x = step.isDeterministic ? next : next + noise(index) * step.sigma
        }
        return Outcome(samples: x, divergences: divergences, moments: moments)
    }
}
