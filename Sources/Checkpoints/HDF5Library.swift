import CHDF5
import Synchronization

/// An HDF5 image cannot be made, or is not one that we can read.
public struct HDF5Error: Error, Equatable, CustomStringConvertible {
    /// What was being done, such as "read dataset".
    public let operation: String
    /// Path inside the file; empty for the file itself.
    public let path: String
    public let reason: String

    public var description: String {
        let place = path.isEmpty ? "" : " '\(path)'"
        return "HDF5: \(operation)\(place): \(reason)"
    }
}

/// The only way into libhdf5, which is neither thread-safe nor quiet by itself.
enum HDF5Library {
    private static let lock = Mutex<Void>(())

    /// Runs `body` with the library to itself and its own printing of errors switched off.
    static func exclusively<Result: Sendable>(_ body: () throws -> Result) rethrows -> Result {
        try lock.withLock { _ in
            H5Eset_auto2(chdf5_error_stack(), nil, nil)
            return try body()
        }
    }

    /// Passes a valid identifier on; throws what the library says of an invalid one.
    static func opened(_ id: hid_t, _ operation: String, _ path: String = "") throws -> hid_t {
        if id < 0 { throw HDF5Error(operation: operation, path: path, reason: innermostMessage()) }
        return id
    }

    static func succeeded(_ status: herr_t, _ operation: String, _ path: String = "") throws {
        if status < 0 { throw HDF5Error(operation: operation, path: path, reason: innermostMessage()) }
    }

    /// The first entry of the error stack: the cause, where the last one is only its consequence.
    private static func innermostMessage() -> String {
        var message = "the library gives no reason"
        withUnsafeMutablePointer(to: &message) { pointer in
            _ = H5Ewalk2(
                chdf5_error_stack(), H5E_WALK_UPWARD,
                { position, entry, data in
                    guard position == 0, let text = entry?.pointee.desc else { return 0 }
                    data?.assumingMemoryBound(to: String.self).pointee = String(cString: text)
                    return 0
                }, pointer)
        }
        return message
    }
}
