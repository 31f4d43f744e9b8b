import Foundation
import Training
import XCTest

/// Valid documents that tests break.
enum Documents {
    static let product = """
        kind: product
        seed: 7
        dimension: 2
        score: analytic
        models:
          - name: left
            gaussian: {mean: [-1.0, -0.2], covariance: [[0.05, 0.01], [0.01, 0.05]]}
          - name: pair
            mixture:
              - {weight: 0.25, mean: [0.6, 0.9], covariance: [[0.05, 0], [0, 0.05]]}
              - {weight: 0.75, mean: [0.6, -0.9], covariance: [[0.1, 0], [0, 0.1]]}
        schedule: {kind: linear, train_steps: 200, beta_start: 0.0005, beta_end: 0.1}
        sampling: {steps: 200, eta: 1.0}
        ranks: {shards: 1}
        network: {hidden: 128, blocks: 4, widening: 2, embedding: 128}
        pretraining: {steps: 1500, batch: 512, micro_batch: 128, learning_rate: 1e-3}
        training: {steps: 60, primal_steps: 20, batch: 512, micro_batch: 64, gradient_clip: 1}
        dual: {rule: adaptive, step: 0.1, decay: 1, smoothing: 0.9, initial: [0.5, 0.5], window: 10}
        mcmc: {sampler: mala, levels: 40, steps_per_level: 2, chains: 1024, step_size: 0.1}
        evaluation: {samples: 65536, micro_batch: 512}
        checkpoints: {every: 10, keep: 3, permanent_every: 0}

        """

    static let alignment = """
        kind: alignment
        dimension: 6
        models:
          - {name: base, gaussian: {mean: [0, 0, 0, 0, 0, 0], covariance: &I [[1, 0, 0, 0, 0, 0],
              [0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]]}}
        rewards:
          - {name: right, linear: [1, 0, 0, 0, 0, 0], threshold: 0.5}
          - {name: ink, mean: true, threshold: 0.25, direction: low, normalize: base}
          - {name: symmetry, mirror: {width: 3, height: 2}, threshold: -0.5}
        dual: {initial: [0, 1.5, 2]}
        sampling: {eta: 0.5}

        """

    static let mixture = """
        kind: mixture
        constraint: kl
        dimension: 1
        models:
          - {name: small, gaussian: {mean: [0.0], covariance: [[0.02]]}}
          - {name: large, gaussian: {mean: [3.0], covariance: [[0.18]]}}

        """

    static let all = [product, alignment, mixture]
}

/// What is wrong with a document; empty if nothing is.
func problems(
    of yaml: String, set overrides: [String] = [],
    kinds: Set<RunConfiguration.Kind> = Set(RunConfiguration.Kind.allCases)
) -> [ConfigurationProblem] {
    do {
        _ = try RunConfiguration(yaml: yaml, overrides: overrides, kinds: kinds)
        return []
    } catch let error as ConfigurationError {
        XCTAssertFalse(error.problems.isEmpty)
        return error.problems
    } catch {
        XCTFail("\(error) is no ConfigurationError")
        return []
    }
}

/// Random numbers of a seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
