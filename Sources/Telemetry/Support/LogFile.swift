import Foundation

/// A file that only grows at its end, one `write` per record.
///
/// There is no buffer on our side: when `append` returns, the record survives the death of the process, and a
/// kill in the middle tears at most the last record. `synchronize` makes it survive the death of the machine.
package final class LogFile {
    package let path: String
    private let descriptor: Int32
    private var length: Int

    /// Opens the file, created if missing, and cuts it after `keptBytes`.
    package init(path: String, keptBytes: Int) throws {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        self.path = path
        length = keptBytes
        guard descriptor >= 0 else { throw failure() }
        guard ftruncate(descriptor, off_t(keptBytes)) == 0 else { throw failure() }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Appends one record; when the disk is full, takes back what was written of it, so that a later record
    /// does not continue a torn one.
    package func append(_ record: some Sequence<UInt8>) throws {
        let bytes = Array(record)
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                write(descriptor, $0.baseAddress?.advanced(by: written), $0.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                let error = failure()
                _ = ftruncate(descriptor, off_t(length))
                throw error
            }
            written += count
        }
        length += written
    }

    /// Waits until everything appended is on the disk.
    package func synchronize() throws {
        guard fsync(descriptor) == 0 else { throw failure() }
    }

    private func failure() -> TelemetryError {
        .cannotWrite(path: path, reason: String(cString: strerror(errno)))
    }
}
