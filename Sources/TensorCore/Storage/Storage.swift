/// A block of device memory, returned to its owner when the last tensor that uses it goes.
public final class Storage: @unchecked Sendable {
    public let pointer: UnsafeMutableRawPointer
    public let byteCount: Int
    public let device: Device
    private let release: @Sendable (UnsafeMutableRawPointer) -> Void

    /// - Parameter release: called once with `pointer`; gives the block back to an allocator, or unmaps a file.
    public init(
        pointer: UnsafeMutableRawPointer, byteCount: Int, device: Device,
        release: @escaping @Sendable (UnsafeMutableRawPointer) -> Void
    ) {
        self.pointer = pointer
        self.byteCount = byteCount
        self.device = device
        self.release = release
    }

    deinit { release(pointer) }
}
