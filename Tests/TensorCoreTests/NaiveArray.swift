import TensorCore

/// An array whose every element is computed from its index, in double precision: the reference of these tests.
struct NaiveArray {
    let shape: [Int]
    private(set) var values: [Double]

    init(_ tensor: Tensor) {
        shape = tensor.shape.dimensions
        values = tensor.doubles
    }

    init(_ shape: [Int], _ element: ([Int]) -> Double) {
        self.shape = shape
        values = Self.indices(of: shape).map(element)
    }

    /// All indices, row-major.
    static func indices(of shape: [Int]) -> [[Int]] {
        shape.reduce([[]]) { prefixes, extent in
            prefixes.flatMap { prefix in (0..<extent).map { prefix + [$0] } }
        }
    }

    /// The element that an index of a broadcast array reads: trailing axes align, extent 1 repeats.
    subscript(index: [Int]) -> Double {
        var offset = 0
        for (extent, place) in zip(shape, index.suffix(shape.count)) {
            offset = offset * extent + (extent == 1 ? 0 : place)
        }
        return values[offset]
    }

    func tensor(_ dtype: DType = .float64) -> Tensor {
        Tensor(values, shape: Shape(shape)).cast(to: dtype)
    }
}
