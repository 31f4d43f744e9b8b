import TensorCore

/// Random numbers of consecutive samples: draw k of sample s is the same in whatever batch s is evaluated.
///
/// Draws lie one behind the other in each sample's own sequence, so draws of one stream must have one width.
public struct SampleNoise: Sendable {
    public var key: RandomKey
    /// Global index of the first sample of the batch.
    public var firstSample: Int
    /// Whether samples 2k and 2k + 1 share their draws, the second with normals of opposite sign (antithetic pairs).
    ///
    /// What is linear in the noise then has no sampling error. Batches must hold whole pairs.
    public var isMirrored: Bool

    public init(_ key: RandomKey, firstSample: Int = 0, isMirrored: Bool = false) {
        self.key = key
        self.firstSample = firstSample
        self.isMirrored = isMirrored
    }

    /// Standard normals in the shape, type and place of x.
    public func normal(_ draw: Int, like x: Tensor) -> Tensor {
        let (count, width) = (x.shape[0], x.elementCount / max(x.shape[0], 1))
        let block = draw * blocks(width)
        guard isMirrored else {
            return Tensor.normal(x.shape, key: key, firstSample: firstSample, block: block, on: x.device)
                .cast(to: x.dtype)
        }
        let z = Tensor.normal(
            [pairs(count), width], key: key, firstSample: firstSample / 2, block: block, on: x.device)
        return Tensor.concatenated([z, -z], axis: 1).reshaped(x.shape.dimensions).cast(to: x.dtype)
    }

    /// Uniforms in [0, 1), one per sample, on the host.
    public func uniform(_ draw: Int, samples: Int) -> [Double] {
        guard isMirrored else {
            return Tensor.uniform([samples], key: key, firstSample: firstSample, block: draw).doubles
        }
        let shared = Tensor.uniform([pairs(samples)], key: key, firstSample: firstSample / 2, block: draw)
        return shared.doubles.flatMap { [$0, $0] }
    }

    /// One draw for each step of a sampler.
    public func source(like x: Tensor) -> NoiseSource {
        let model = x.detached
        return { step in normal(step, like: model) }
    }

    /// Which sequence a row of the batch draws from.
    func sequence(ofRow row: Int) -> Int { isMirrored ? (firstSample + row) / 2 : firstSample + row }

    /// Philox makes four numbers at a time.
    private func blocks(_ width: Int) -> Int { (width + 3) / 4 }

    private func pairs(_ samples: Int) -> Int {
        precondition(
            samples % 2 == 0 && firstSample % 2 == 0,
            "SampleNoise: \(samples) samples from \(firstSample) on are no whole pairs")
        return samples / 2
    }
}
