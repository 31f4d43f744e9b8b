extension Tensor {
    public init(full value: Double, _ shape: Shape, dtype: DType = .float32, on device: Device = .cpu) {
        self.init(empty: shape, dtype: dtype, device: device)
        backend.fill(self, with: value)
    }

    public static func zeros(_ shape: Shape, dtype: DType = .float32, on device: Device = .cpu) -> Tensor {
        Tensor(full: 0, shape, dtype: dtype, on: device)
    }

    public static func ones(_ shape: Shape, dtype: DType = .float32, on device: Device = .cpu) -> Tensor {
        Tensor(full: 1, shape, dtype: dtype, on: device)
    }

    public static func zeros(like other: Tensor) -> Tensor {
        zeros(other.shape, dtype: other.dtype, on: other.device)
    }

    /// The same values in storage of their own, outside the graph.
    public func copied() -> Tensor {
        let copy = emptyLike()
        backend.copyStrided(
            shape: [elementCount], from: detached, offset: 0, strides: [1], into: copy, offset: 0,
            strides: [1])
        return copy
    }

    /// A `float32` tensor from host values in row-major order.
    public init(_ values: [Float], shape: Shape, on device: Device = .cpu) {
        self.init(copying: values, shape: shape, dtype: .float32, device: device)
    }

    /// A `float64` tensor from host values in row-major order.
    public init(_ values: [Double], shape: Shape, on device: Device = .cpu) {
        self.init(copying: values, shape: shape, dtype: .float64, device: device)
    }

    /// An `int32` tensor of indices; a vector unless `shape` says otherwise.
    public init(indices: [Int32], shape: Shape? = nil, on device: Device = .cpu) {
        self.init(copying: indices, shape: shape ?? [indices.count], dtype: .int32, device: device)
    }

    /// Copies raw host bytes (row-major elements of `dtype`).
    public init(bytes: UnsafeRawBufferPointer, shape: Shape, dtype: DType, on device: Device = .cpu) {
        precondition(
            bytes.count == shape.elementCount * dtype.byteWidth,
            "Tensor(bytes:): \(bytes.count) bytes do not fill \(shape) of \(dtype.name)")
        self.init(empty: shape, dtype: dtype, device: device)
        backend.copyFromHost(bytes, into: self)
    }

    private init<Element>(copying values: [Element], shape: Shape, dtype: DType, device: Device) {
        precondition(
            values.count == shape.elementCount,
            "Tensor: \(values.count) values do not fill shape \(shape)")
        self = values.withUnsafeBytes { Tensor(bytes: $0, shape: shape, dtype: dtype, on: device) }
    }
}

extension Tensor {
    /// The elements as `Float`s on the host, row-major.
    public var floats: [Float] { hostValues(as: .float32, Float.self) }

    /// The elements as `Double`s on the host, row-major.
    public var doubles: [Double] { hostValues(as: .float64, Double.self) }

    /// The elements of an index tensor.
    public var indices: [Int32] {
        precondition(dtype == .int32, "indices: the tensor holds \(dtype.name), not i32")
        return hostValues(as: .int32, Int32.self)
    }

    /// The value of a one-element tensor.
    public var item: Double {
        precondition(elementCount == 1, "item: the tensor has shape \(shape), not one element")
        return doubles[0]
    }

    /// Calls `body` with the elements in host memory.
    public func withHostBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try backend.withHostBytes(self, body)
    }

    private func hostValues<Element>(as type: DType, _: Element.Type) -> [Element] {
        cast(to: type).withHostBytes { Array($0.bindMemory(to: Element.self)) }
    }
}
