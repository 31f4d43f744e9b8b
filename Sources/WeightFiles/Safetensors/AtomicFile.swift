import Foundation

/// A file that appears under its name only when it is whole and on disk.
struct AtomicFile: ~Copyable {
    private let path: String
    private let temporary: String
    private let descriptor: Int32

    /// Runs `body` on a new file beside `path`, syncs it, and renames it to `path`.
    static func write(
        to path: String, _ body: (borrowing AtomicFile) throws -> Void
    ) throws {
        let file = try AtomicFile(path: target(of: path))
        do {
            try body(file)
            try file.commit()
        } catch {
            unlink(file.temporary)
            throw error
        }
    }

    /// The file that `path` stands for, whether it is there or not: a link is followed, so that it stays.
    ///
    /// - Throws: `SafetensorsError.notAFile` for what renaming would replace: a device, a pipe, a directory or a broken
    ///   link.
    static func target(of path: String) throws -> String {
        var status = stat()
        guard let resolved = realpath(path, nil) else {
            guard lstat(path, &status) != 0 else { throw SafetensorsError.notAFile(file: path) }
            return path
        }
        defer { free(resolved) }
        guard stat(resolved, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw SafetensorsError.notAFile(file: path)
        }
        return String(cString: resolved)
    }

    private init(path: String) throws {
        self.path = path
        // In the same directory, so that the rename stays within one file system.
        temporary = path + ".\(getpid())-\(UInt32.random(in: 0...UInt32.max)).tmp"
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw SafetensorsError.unwritable(file: path, reason: systemReason()) }
    }

    deinit { close(descriptor) }

    func append(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let chunk = UnsafeRawBufferPointer(rebasing: rest)
            let count = Foundation.write(descriptor, chunk.baseAddress, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw SafetensorsError.unwritable(file: path, reason: systemReason()) }
            rest = rest.dropFirst(count)
        }
    }

    private func commit() throws {
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else {
            throw SafetensorsError.unwritable(file: path, reason: systemReason())
        }
        // The new name itself is safe only once the directory is on disk.
        let slash = path.lastIndex(of: "/")
        let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let opened = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { return }
        defer { close(opened) }
        guard fsync(opened) == 0 || errno == EINVAL else {
            throw SafetensorsError.unwritable(file: path, reason: systemReason())
        }
    }
}
