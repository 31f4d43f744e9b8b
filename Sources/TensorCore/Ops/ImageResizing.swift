/// How a resized image is made of the given one, as PyTorch's `interpolate` with `antialias=True` does: the filter
/// widens with the step when an image shrinks, so that every pixel counts.
public enum ResizingFilter: Sendable {
    /// Triangle.
    case bilinear
    /// Keys' cubic with a = −½ (Keys 1981), as PIL has it; PyTorch without antialiasing has −¾.
    case bicubic

    /// Half the width at scale 1.
    private var radius: Double {
        switch self {
        case .bilinear: 1
        case .bicubic: 2
        }
    }

    private func callAsFunction(_ x: Double) -> Double {
        let x = abs(x)
        switch self {
        case .bilinear: return max(0, 1 - x)
        case .bicubic:
            let a = -0.5
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
        }
    }

    /// The resizing of a side of `old` pixels to `new`: weights sum to 1 in every row, at borders too.
    public func matrix(from old: Int, to new: Int) -> BandedMatrix {
        precondition(old > 0 && new > 0, "ResizingFilter: got \(old) pixels to \(new), expected at least one")
        let step = Double(old) / Double(new)
        let stretch = max(step, 1)
        let support = radius * stretch
        let bands = (0..<new).map { index -> (start: Int, weights: [Double]) in
            let center = step * (Double(index) + 0.5)
            let first = max(Int(center - support + 0.5), 0)
            let last = min(Int(center + support + 0.5), old)
            let weights = (first..<last).map { self((Double($0) - center + 0.5) / stretch) }
            let total = weights.reduce(0, +)
            return (first, weights.map { $0 / total })
        }
        return BandedMatrix(columns: old, bands: bands)
    }
}
