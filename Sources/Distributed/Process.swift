import Glibc

/// EX_SOFTWARE of sysexits.h: the exit code of errors without one of their own.
public let internalFailure: Int32 = 70

/// Ends this process; an abort is never a success, so 0 becomes `internalFailure`.
func endProcess(_ code: Int32) -> Never {
    exit(abortCode(code))
}

func abortCode(_ code: Int32) -> Int32 { code == 0 ? internalFailure : code }

/// Writes a line to standard error at once, so that lines of several ranks do not mix.
@Sendable
public func writeToStandardError(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    // There is nowhere left to report that standard error is closed.
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// A thread of this process that runs `body` once.
///
/// A rank blocks while it waits for others, which a shared pool of threads does not allow.
struct RunningThread {
    private let thread: pthread_t

    init(_ body: @escaping @Sendable () -> Void) {
        let job = Unmanaged.passRetained(Job(body)).toOpaque()
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { job in
                guard let job else { return nil }
                Unmanaged<Job>.fromOpaque(job).takeRetainedValue().body()
                return nil
            }, job)
        precondition(code == 0, "cannot start a thread: \(String(cString: strerror(code)))")
        self.thread = thread
    }

    /// Waits until `body` has returned; called once.
    func join() {
        pthread_join(thread, nil)
    }

    private final class Job {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
