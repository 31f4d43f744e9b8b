import TensorCore

/// What random numbers are drawn for; each purpose and model has a stream of its own.
enum RandomPurpose: UInt32 {
    case initialization = 0
    case data, timestep, forwardNoise
    case chainStart, chainNoise, chainAcceptance
    case initialLatents, samplerNoise
    case divergenceNoise, evaluationData, evaluationNoise
    case prompts, truncation
}

extension RandomPurpose {
    /// The key of this purpose for model `index` (0 where there is only one).
    func key(seed: UInt64, model index: Int = 0, step: Int = 0) -> RandomKey {
        RandomKey(seed: seed, stream: rawValue | UInt32(index) << 8).at(step: step)
    }
}
