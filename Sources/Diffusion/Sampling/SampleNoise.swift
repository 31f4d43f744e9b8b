import TensorCore

/// Random numbers of consecutive samples: draw k of sample s is the same in whatever batch s is evaluated.
///
/// Draws lie one behind the other in each sample's own sequence, so draws of one stream must have one width.
public struct SampleNoise: Sendable {
    public var key: RandomKey
    /// Global index of the first sample of the batch.
    public var firstSample: Int

    public init(_ key: RandomKey, firstSample: Int = 0) {
        self.key = key
        self.firstSample = firstSample
    }

    /// Standard normals in the shape, type and place of x.
    public func normal(_ draw: Int, like x: Tensor) -> Tensor {
        let width = x.elementCount / max(x.shape[0], 1)
        return Tensor.normal(
            x.shape, key: key, firstSample: firstSample, block: draw * blocks(width), on: x.device
        ).cast(to: x.dtype)
    }

    /// Uniforms in [0, 1), one per sample, on the host.
    public func uniform(_ draw: Int, samples: Int) -> [Double] {
        Tensor.uniform([samples], key: key, firstSample: firstSample, block: draw).doubles
    }

    /// One draw for each step of a sampler.
    public func source(like x: Tensor) -> NoiseSource {
        let model = x.detached
        return { step in normal(step, like: model) }
    }

    /// Philox makes four numbers at a time.
    private func blocks(_ width: Int) -> Int { (width + 3) / 4 }
}
