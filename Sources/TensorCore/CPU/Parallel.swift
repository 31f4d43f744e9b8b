import Dispatch
import Foundation
import Synchronization

/// How this process uses its cores.
///
/// Two ways, never nested: one op splits its range over the threads (large tensors), or independent micro-batches
/// each run on one thread (small models, where a barrier per op costs more than the op).
public enum Parallel {
    private static let threadCount = Atomic<Int>(ProcessInfo.processInfo.activeProcessorCount)
    @TaskLocal private static var isWorker = false

    /// Threads this process may use.
    public static var threads: Int { threadCount.load(ordering: .relaxed) }

    /// Sets the number of threads; results do not depend on it.
    public static func configure(threads: Int) {
        precondition(threads > 0, "Parallel.configure: threads must be positive, got \(threads)")
        threadCount.store(threads, ordering: .relaxed)
    }

    /// Splits `0..<count` into ranges of at least `grain` and runs them on all threads.
    package static func ranges(_ count: Int, grain: Int, _ body: @Sendable (Range<Int>) -> Void) {
        let pieces = min(threads, count / max(grain, 1))
        guard pieces > 1, !isWorker else { return body(0..<count) }
        DispatchQueue.concurrentPerform(iterations: pieces) { piece in
            body((count * piece / pieces)..<(count * (piece + 1) / pieces))
        }
    }

    /// Computes `body(0), …, body(count − 1)` with one thread each and returns the results in order.
    ///
    /// - Throws: the error of the lowest index that failed.
    public static func map<Element>(
        _ count: Int, _ body: @Sendable (Int) throws -> Element
    ) throws -> [Element] {
        guard threads > 1, count > 1, !isWorker else { return try (0..<count).map(body) }
        let isRecording = Recording.isOn
        let results = Mutex([Int: SendableBox<Swift.Result<Element, any Error>>]())
        let next = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: min(threads, count)) { _ in
            // Task-local values do not follow the work to Dispatch's threads.
            Recording.$isOn.withValue(isRecording) {
                $isWorker.withValue(true) {
                    while true {
                        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                        guard index < count else { return }
                        let result = SendableBox(value: Swift.Result { try body(index) })
                        results.withLock { $0[index] = result }
                    }
                }
            }
        }
        let finished = results.withLock { $0 }
        return try (0..<count).compactMap { try finished[$0]?.value.get() }
    }
}

/// Carries a result from the worker that made it to the caller; only one thread holds it at a time.
private struct SendableBox<Value>: @unchecked Sendable {
    let value: Value
}
