import Glibc

/// A mutex with a condition variable, for ranks that wait for each other within one process.
final class Condition: @unchecked Sendable {
    // The pthread objects must not move, hence the allocations; they do their own synchronisation.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        // Waits must not stretch when someone sets the machine's clock.
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Releases the lock, which the caller holds, until `wakeAll` (or, as pthreads allow, for no reason).
    func wait() {
        pthread_cond_wait(condition, mutex)
    }

    /// As `wait`, for at most `seconds`.
    func wait(seconds: Double) {
        var deadline = timespec()
        clock_gettime(CLOCK_MONOTONIC, &deadline)
        let nanoseconds = Double(deadline.tv_nsec) + seconds * 1e9
        deadline.tv_sec += Int((nanoseconds / 1e9).rounded(.down))
        deadline.tv_nsec = Int(nanoseconds.truncatingRemainder(dividingBy: 1e9))
        pthread_cond_timedwait(condition, mutex, &deadline)
    }

    func wakeAll() {
        pthread_cond_broadcast(condition)
    }
}
