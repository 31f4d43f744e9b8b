import TensorCore

extension TruncationConfiguration {
    /// K of one update: steps i < K are not differentiated.
    ///
    /// AlignProp's: a normal step, redrawn until 1 ≤ K < T, or a uniform one (Prabhudesai et al. 2023).
    func step(of steps: Int, key: RandomKey) -> Int {
        switch kind {
        case .fixed: return min(step, steps - 1)
        case .uniform: return Int(key.integers(0..<1, below: steps)[0])
        case .gaussian:
            let draws = Tensor.normal([1, Self.attempts], key: key).doubles
            let candidates = draws.map { Int((mean * Double(steps) + deviation * $0).rounded(.down)) }
            return candidates.first { (1..<steps).contains($0) } ?? steps - 1
        }
    }

    /// The smallest K that can be drawn.
    func earliestStep(of steps: Int) -> Int {
        switch kind {
        case .fixed: min(step, steps - 1)
        case .uniform: 0
        case .gaussian: 1
        }
    }

    /// So many draws all miss a range of one step less than once in 10⁹ updates.
    private static let attempts = 256
}
