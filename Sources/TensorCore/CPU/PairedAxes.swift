/// The axes along which two strided operands are walked together.
///
/// Axes of extent 1 go, and neighbours merge wherever both operands allow it: kernels see long inner runs, and
/// threads an outermost axis that is worth splitting.
struct PairedAxes {
    private(set) var shape: [Int64] = []
    private(set) var aStrides: [Int64] = []
    private(set) var bStrides: [Int64] = []

    init(shape extents: [Int], _ a: [Int], _ b: [Int]) {
        for axis in extents.indices where extents[axis] != 1 {
            append(extent: Int64(extents[axis]), Int64(a[axis]), Int64(b[axis]))
        }
        if shape.isEmpty { append(extent: 1, 0, 0) }
    }

    private mutating func append(extent: Int64, _ aStride: Int64, _ bStride: Int64) {
        if let last = shape.indices.last, aStrides[last] == aStride * extent,
            bStrides[last] == bStride * extent
        {
            shape[last] *= extent
            aStrides[last] = aStride
            bStrides[last] = bStride
        } else {
            shape.append(extent)
            aStrides.append(aStride)
            bStrides.append(bStride)
        }
    }

    /// Elements behind one step of the outermost axis.
    var inner: Int { shape.dropFirst().reduce(1) { $0 * Int($1) } }

    /// Splits the outermost axis over the threads.
    ///
    /// - Parameter body: gets the extents of its part, how many outer steps lie before it, and where it starts in
    ///   each operand.
    func forEachPart(
        _ body: @Sendable (_ shape: [Int64], _ before: Int, _ aStart: Int, _ bStart: Int) -> Void
    ) {
        let grain = max(1, CPUBackend.grain / max(1, inner))
        Parallel.ranges(Int(shape[0]), grain: grain) { range in
            var part = shape
            part[0] = Int64(range.count)
            body(
                part, range.lowerBound, range.lowerBound * Int(aStrides[0]),
                range.lowerBound * Int(bStrides[0]))
        }
    }
}
