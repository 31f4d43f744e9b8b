/// Names one stream of random numbers; sample s of a stream has its own sequence, whoever draws it.
///
/// Philox 4x32-10 (Salmon et al. 2011) is a bijection of (key, counter): the numbers depend on
/// (seed, stream, step, sample) alone, not on what was drawn before. So results do not depend on the number of
/// ranks or threads, and resuming replays nothing.
public struct RandomKey: Hashable, Sendable {
    public var seed: UInt64
    /// What the numbers are for (initial latents, sampler noise, …).
    public var stream: UInt32
    /// Training iteration, or any other counter of repeats.
    public var step: UInt32

    public init(seed: UInt64, stream: UInt32, step: UInt32 = 0) {
        self.seed = seed
        self.stream = stream
        self.step = step
    }

    public func at(step: Int) -> RandomKey {
        precondition(step >= 0 && step <= Int(UInt32.max), "RandomKey: step \(step) does not fit 32 bits")
        var key = self
        key.step = UInt32(step)
        return key
    }
}

/// Generators of a device's op table.
public protocol RandomKernels {
    /// y[s, e]: draws for samples `firstSample…` of the key, skipping `firstBlock` blocks of four per sample.
    func random(
        _ kind: RandomDistribution, _ key: RandomKey, firstSample: UInt32, firstBlock: UInt32, into y: Tensor)
}

public enum RandomDistribution: Sendable {
    /// [0, 1), 24 bits.
    case uniform
    /// N(0, 1) by Box–Muller.
    case normal
}

extension Tensor {
    /// Standard normals for consecutive samples.
    ///
    /// - Parameters:
    ///   - shape: `[samples, …]`.
    ///   - firstSample: global index of the first sample.
    ///   - block: skips this many blocks of four numbers within each sample, to draw a sample in parts.
    public static func normal(
        _ shape: Shape, key: RandomKey, firstSample: Int = 0, block: Int = 0, on device: Device = .cpu
    ) -> Tensor {
        random(.normal, shape, key, firstSample, block, device)
    }

    /// Uniforms in [0, 1) for consecutive samples; parameters as in `normal`.
    public static func uniform(
        _ shape: Shape, key: RandomKey, firstSample: Int = 0, block: Int = 0, on device: Device = .cpu
    ) -> Tensor {
        random(.uniform, shape, key, firstSample, block, device)
    }

    private static func random(
        _ kind: RandomDistribution, _ shape: Shape, _ key: RandomKey, _ firstSample: Int, _ block: Int,
        _ device: Device
    ) -> Tensor {
        let samples = shape.rank == 0 ? 1 : shape[0]
        precondition(
            firstSample >= 0 && firstSample + samples <= Int(UInt32.max),
            "random: samples \(firstSample)..<\(firstSample + samples) do not fit 32 bits")
        precondition(block >= 0 && block <= Int(UInt32.max), "random: block \(block) does not fit 32 bits")
        let y = Tensor(empty: shape, dtype: .float32, device: device)
        y.backend.random(kind, key, firstSample: UInt32(firstSample), firstBlock: UInt32(block), into: y)
        return y
    }
}

extension RandomKey {
    /// Integers in 0..<bound, one per sample: floor(u · bound).
    public func integers(_ samples: Range<Int>, below bound: Int, block: Int = 0) -> [Int32] {
        Tensor.uniform([samples.count], key: self, firstSample: samples.lowerBound, block: block).floats
            .map { Int32(min(bound - 1, Int(Double($0) * Double(bound)))) }
    }
}
