/// A strided view with the offset of each of its elements, found by naive loops.
struct StridedShape {
    let shape: [Int]
    let strides: [Int64]
    /// Offset of element (0, …, 0) in a buffer of `extent` elements.
    let origin: Int
    let extent: Int

    /// Offsets from the buffer's beginning, in row-major order.
    var offsets: [Int] {
        var offsets = [origin]
        for (size, stride) in zip(shape, strides) {
            offsets = offsets.flatMap { offset in (0..<size).map { offset + $0 * Int(stride) } }
        }
        return offsets
    }

    init(_ shape: [Int], _ strides: [Int64]) {
        self.shape = shape
        self.strides = strides
        let reach = zip(shape, strides).map { max(0, $0 - 1) * Int($1) }
        origin = -reach.filter { $0 < 0 }.reduce(0, +)
        extent = origin + reach.filter { $0 > 0 }.reduce(0, +) + 1
    }

    /// A permuted layout, at times with gaps and reversed dimensions, and with repeats where allowed.
    static func random(
        _ shape: [Int], allowRepeats: Bool = true, allowNegative: Bool = false, _ source: inout SplitMix
    ) -> StridedShape {
        var strides = [Int64](repeating: 0, count: shape.count)
        var next: Int64 = 1
        let isPermuted = Bool.random(using: &source)
        let order = isPermuted ? shape.indices.shuffled(using: &source) : shape.indices.reversed()
        for dimension in order {
            if allowRepeats && Int.random(in: 0..<4, using: &source) == 0 { continue }
            let isReversed = allowNegative && Int.random(in: 0..<8, using: &source) == 0
            strides[dimension] = isReversed ? -next : next
            next *= Int64(max(1, shape[dimension]))
            if Int.random(in: 0..<6, using: &source) == 0 { next += 3 }
        }
        return StridedShape(shape, strides)
    }
}

/// Up to about two thousand elements, with dimensions of 1 and now and then of 0.
func randomShape(_ rank: Int, _ source: inout SplitMix) -> [Int] {
    let largest = rank <= 2 ? 45 : rank <= 3 ? 20 : 6
    return (0..<rank).map { _ in
        switch Int.random(in: 0..<40, using: &source) {
        case 0: 0
        case 1...6: 1
        default: Int.random(in: 1...largest, using: &source)
        }
    }
}
