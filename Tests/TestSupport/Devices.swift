import TensorCore

/// Runs one test body on every device this machine has.
public func forEachDevice(_ body: (Device) throws -> Void) rethrows {
    for device in [Device.cpu] { try body(device) }
}
