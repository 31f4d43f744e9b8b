import CKernels

extension CPUBackend {
    public func random(
        _ kind: RandomDistribution, _ key: RandomKey, firstSample: UInt32, firstBlock: UInt32, into y: Tensor
    ) {
        let samples = y.shape.rank == 0 ? 1 : y.shape[0]
        let width = y.elementCount / max(samples, 1)
        Parallel.ranges(samples, grain: max(1, Self.grain / max(width, 1))) { range in
            let start = ck_philox_key(
                seed: key.seed, stream: key.stream, step: key.step,
                sample: firstSample + UInt32(range.lowerBound), block: firstBlock)
            let out = y.at(range.lowerBound * width).assumingMemoryBound(to: Float.self)
            switch kind {
            case .uniform: ck_philox_uniform(start, out, range.count, width)
            case .normal: ck_philox_normal(start, out, range.count, width)
            }
        }
    }
}
