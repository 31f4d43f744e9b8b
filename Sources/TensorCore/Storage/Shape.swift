/// Extents of a tensor, outermost first; images are `[N, H, W, C]`.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
    /// Kernels keep strides in small fixed arrays.
    public static let maximumRank = 14

    public let dimensions: [Int]
    /// Product of the dimensions; 1 for a scalar.
    public let elementCount: Int

    public init(_ dimensions: [Int]) {
        precondition(
            dimensions.allSatisfy { $0 >= 0 }, "Shape: dimensions must not be negative, got \(dimensions)")
        precondition(
            dimensions.count <= Shape.maximumRank,
            "Shape: \(dimensions) has more than \(Shape.maximumRank) axes")
        self.dimensions = dimensions
        self.elementCount = dimensions.reduce(1, *)
    }

    public init(arrayLiteral elements: Int...) { self.init(elements) }

    /// Number of axes.
    public var rank: Int { dimensions.count }

    public var last: Int { dimensions.last ?? 1 }

    public subscript(axis: Int) -> Int { dimensions[normalized(axis)] }

    public var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }

    /// The axis counted from the front; negative axes count from the back.
    public func normalized(_ axis: Int) -> Int {
        let positive = axis < 0 ? axis + rank : axis
        precondition(positive >= 0 && positive < rank, "axis \(axis) is out of range for shape \(self)")
        return positive
    }

    /// Row-major strides in elements.
    public var strides: [Int] {
        var strides = [Int](repeating: 1, count: rank)
        for axis in stride(from: rank - 2, through: 0, by: -1) {
            strides[axis] = strides[axis + 1] * dimensions[axis + 1]
        }
        return strides
    }

    /// Elements before, along and after an axis: the tensor seen as `[outer, extent, inner]`.
    public func split(at axis: Int) -> (outer: Int, extent: Int, inner: Int) {
        let axis = normalized(axis)
        return (
            dimensions[..<axis].reduce(1, *), dimensions[axis], dimensions[(axis + 1)...].reduce(1, *)
        )
    }

    public func replacing(axis: Int, with extent: Int) -> Shape {
        var copy = dimensions
        copy[normalized(axis)] = extent
        return Shape(copy)
    }

    public func removing(axis: Int) -> Shape {
        var copy = dimensions
        copy.remove(at: normalized(axis))
        return Shape(copy)
    }

    /// The common shape of two operands after right-aligned broadcasting, or nil if they do not match.
    public static func broadcast(_ a: Shape, _ b: Shape) -> Shape? {
        guard a != b else { return a }
        let rank = max(a.rank, b.rank)
        var result = [Int](repeating: 1, count: rank)
        for back in 1...max(rank, 1) where back <= rank {
            let left = back <= a.rank ? a.dimensions[a.rank - back] : 1
            let right = back <= b.rank ? b.dimensions[b.rank - back] : 1
            guard left == right || left == 1 || right == 1 else { return nil }
            result[rank - back] = left == 1 ? right : left
        }
        return Shape(result)
    }

    /// Strides that read a tensor of this shape as if it had `target`'s shape: 0 where it repeats.
    func broadcastStrides(to target: Shape) -> [Int] {
        let own = strides
        let missing = target.rank - rank
        return (0..<target.rank).map { axis in
            axis < missing || dimensions[axis - missing] == 1 ? 0 : own[axis - missing]
        }
    }
}
