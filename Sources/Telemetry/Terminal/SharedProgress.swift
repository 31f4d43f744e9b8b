import Foundation

/// A progress bar that several threads advance.
public final class SharedProgress: @unchecked Sendable {
    private let lock = NSLock()
    private let bar: ProgressBar?
    private var count = 0

    /// - Parameter total: how often `advance` will be called; nothing is shown where it is 0.
    public init(label: String, total: Int, console: Console) {
        bar = total > 0 ? ProgressBar(label: label, total: total, console: console) : nil
    }

    public func advance() {
        lock.withLock {
            count += 1
            bar?.update(count)
        }
    }

    public func finish() { lock.withLock { bar?.finish() } }
}
