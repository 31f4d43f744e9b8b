import Foundation
import TensorCore

/// Weights for ∫_0^∞ f(γ) d(log γ) from values at chosen timesteps (`docs/divergences.md`).
///
/// Trapezoid in log γ between the nodes. Below the first node f falls as γ², so the rest is ½ f(γ_1) (head).
public struct LogNoiseQuadrature: Sendable {
    /// One noise level.
    public struct Node: Sendable, Equatable {
        public let timestep: Int
        /// γ.
        public let noiseToSignal: Double
        /// Trapezoid weight, at the lowest node with the head.
        public let weight: Double
        /// The part above the highest node: ½ there, 0 elsewhere.
        ///
        /// For integrands that fall as γ^−2, as that of a KL does where the means differ. Cross-entropies stop at the
        /// highest node instead.
        public let tail: Double
    }

    public let schedule: NoiseSchedule
    /// From the lowest noise level to the highest.
    public let nodes: [Node]

    /// - Parameter timesteps: in increasing order; by default all that keep some signal.
    /// - Throws: `DiffusionError.noSignal` for a chosen timestep with ᾱ = 0, `invalidSchedule` for fewer than two
    ///   nodes or a wrong order.
    public init(_ schedule: NoiseSchedule, timesteps: [Int]? = nil) throws {
        let chosen = timesteps ?? schedule.alphasCumprod.indices.filter { schedule.alphasCumprod[$0] > 0 }
        if let empty = chosen.first(where: { schedule.alphaCumprod(at: $0) == 0 }) {
            throw DiffusionError.noSignal(timestep: empty)
        }
        guard chosen.count >= 2, zip(chosen, chosen.dropFirst()).allSatisfy(<) else {
            throw DiffusionError.invalidSchedule([
                "a quadrature needs two timesteps or more in increasing order, got \(chosen)"
            ])
        }
        let gammas = chosen.map(schedule.noiseToSignal)
        let last = chosen.count - 1
        self.schedule = schedule
        self.nodes = chosen.indices.map { k in
            let (below, above) = (gammas[max(k - 1, 0)], gammas[min(k + 1, last)])
            return Node(
                timestep: chosen[k], noiseToSignal: gammas[k],
                weight: log(above / below) / 2 + (k == 0 ? 0.5 : 0), tail: k == last ? 0.5 : 0)
        }
    }

    /// Equal weights at given timesteps: a sum over steps instead of the integral, in no unit.
    ///
    /// - Parameter timesteps: in increasing order.
    public init(_ schedule: NoiseSchedule, timesteps: [Int], equalWeight weight: Double) {
        self.schedule = schedule
        nodes = timesteps.map { timestep in
            Node(
                timestep: timestep, noiseToSignal: schedule.noiseToSignal(at: timestep), weight: weight,
                tail: 0)
        }
    }
}

/// One evaluation of a quadrature: the samples at one noise level each.
struct QuadraturePass {
    /// Noised samples and the noise in them.
    let x: Tensor
    let noise: Tensor
    let timesteps: Timesteps
    /// Each sample's node, and how often it counts: `stride`, or 0 where the sample has no node left.
    let nodes: [LogNoiseQuadrature.Node]
    let multiplicity: [Double]
}

extension LogNoiseQuadrature {
    /// Evaluations needed per sample with every `stride`-th node.
    public func passes(stride: Int) -> Int { (nodes.count + stride - 1) / stride }

    /// Noises the samples to their nodes: sample s visits the nodes k ≡ s (mod stride), each of which counts
    /// `stride` times, so that a batch covers all nodes at 1/stride of the cost, without bias. Mirrored samples share
    /// their nodes: s counts pairs then.
    ///
    /// - Parameter populations: P, between which samples take turns. Where P and `stride` have a common divisor, all
    ///   samples of a population would visit the same part of the nodes; they then move on by one node with every
    ///   common multiple of both, so that `stride` · P samples cover all nodes for each population.
    func forEachPass(
        _ samples: Tensor, noise: SampleNoise, stride: Int, populations: Int = 1,
        _ body: (QuadraturePass) throws -> Void
    ) rethrows {
        precondition(stride > 0, "LogNoiseQuadrature: stride must be positive, got \(stride)")
        let first = (0..<samples.shape[0]).map { row in
            firstNode(ofSample: noise.sequence(ofRow: row), stride: stride, populations: populations)
        }
        for pass in 0..<passes(stride: stride) {
            let chosen = first.map { pass * stride + $0 }
            let nodes = chosen.map { self.nodes[min($0, self.nodes.count - 1)] }
            let timesteps: Timesteps =
                stride == 1
                ? .all(self.nodes[pass].timestep) : .each(nodes.map { Int32($0.timestep) })
            let z = noise.normal(pass, like: samples)
            try body(
                QuadraturePass(
                    x: schedule.noised(samples, with: z, at: timesteps), noise: z, timesteps: timesteps,
                    nodes: nodes,
                    multiplicity: chosen.map { $0 < self.nodes.count ? Double(stride) : 0 }))
        }
    }

    private func firstNode(ofSample sample: Int, stride: Int, populations: Int) -> Int {
        let common = greatestCommonDivisor(stride, populations)
        let turn = common == 1 ? 0 : sample / (stride / common * populations)
        return (sample + turn) % stride
    }

    private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
        b == 0 ? a : greatestCommonDivisor(b, a % b)
    }
}
