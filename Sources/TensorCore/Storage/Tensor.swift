/// A dense, contiguous, row-major array with a run-time element type on one device.
///
/// Tensors are values: no public operation changes one in place. A tensor may carry a `Node`, its place in the
/// graph that `gradients(of:)` walks back. Views share storage only where they stay contiguous (reshape, leading
/// slices), so that every kernel may assume unit stride.
public struct Tensor: @unchecked Sendable {
    public let storage: Storage
    package let byteOffset: Int
    public let shape: Shape
    public let dtype: DType
    package let node: Node?

    package init(storage: Storage, byteOffset: Int = 0, shape: Shape, dtype: DType, node: Node? = nil) {
        self.storage = storage
        self.byteOffset = byteOffset
        self.shape = shape
        self.dtype = dtype
        self.node = node
    }

    /// An uninitialised tensor, for kernels to fill.
    package init(empty shape: Shape, dtype: DType, device: Device) {
        self.init(
            storage: device.backend.allocate(byteCount: shape.elementCount * dtype.byteWidth),
            shape: shape, dtype: dtype)
    }

    public var device: Device { storage.device }
    public var elementCount: Int { shape.elementCount }
    public var byteCount: Int { shape.elementCount * dtype.byteWidth }

    package var backend: any Backend { storage.device.backend }

    /// Start of the elements.
    ///
    /// Valid while the tensor (or any that shares its storage) lives.
    package var pointer: UnsafeMutableRawPointer { storage.pointer + byteOffset }

    /// The same values outside the graph.
    public var detached: Tensor { node == nil ? self : with(node: nil) }

    package func with(node: Node?) -> Tensor {
        Tensor(storage: storage, byteOffset: byteOffset, shape: shape, dtype: dtype, node: node)
    }

    /// The same elements under another shape, outside the graph.
    package func viewed(as shape: Shape, byteOffset: Int = 0) -> Tensor {
        Tensor(storage: storage, byteOffset: self.byteOffset + byteOffset, shape: shape, dtype: dtype)
    }

    package func emptyLike(shape: Shape? = nil, dtype: DType? = nil) -> Tensor {
        Tensor(empty: shape ?? self.shape, dtype: dtype ?? self.dtype, device: device)
    }
}
