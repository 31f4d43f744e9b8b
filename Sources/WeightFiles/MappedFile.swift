import Foundation

/// A whole file in memory, read-only, paged in as it is touched.
///
/// The file must not be truncated while it is mapped: the system answers a read past the end with SIGBUS.
final class MappedFile: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer

    init(path: String) throws {
        // Without O_NONBLOCK, opening a pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw SafetensorsError.unreadable(file: path, reason: systemReason()) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw SafetensorsError.unreadable(file: path, reason: systemReason())
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SafetensorsError.unreadable(file: path, reason: "it is not a regular file")
        }
        let size = Int(status.st_size)
        guard size > 0 else {
            // There is no mapping of nothing.
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let base, base != MAP_FAILED else {
            throw SafetensorsError.unreadable(file: path, reason: systemReason())
        }
        bytes = UnsafeRawBufferPointer(start: base, count: size)
    }

    deinit {
        if bytes.count > 0 { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }
    }
}
