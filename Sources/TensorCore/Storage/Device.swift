/// Where a tensor lives and computes.
public enum Device: Hashable, Sendable, CustomStringConvertible {
    case cpu

    public var description: String {
        switch self {
        case .cpu: "cpu"
        }
    }

    /// The op table and allocator of this device.
    public var backend: any Backend {
        switch self {
        case .cpu: CPUBackend.shared
        }
    }
}
