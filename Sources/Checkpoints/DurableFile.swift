import Foundation

/// File operations that either reach the disk or throw what the system said, with the path.
package enum DurableFile {
    /// Creates `path`, which must not exist, with these bytes, and waits until they are on the disk.
    package static func create(_ path: String, _ bytes: [UInt8]) throws {
        let descriptor = try written(
            open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644), "create", path)
        defer { close(descriptor) }
        try bytes.withUnsafeBytes { buffer in
            let half = buffer.count / 2
            try writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<half]), to: descriptor, path)
            CrashPoint.filePartlyWritten.hit()
            try writeAll(UnsafeRawBufferPointer(rebasing: buffer[half...]), to: descriptor, path)
        }
        _ = try written(retried { fsync(descriptor) }, "write to disk", path)
        // So that reading it back asks the disk, where the system can do without its own copy.
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    }

    /// Gives `path` these bytes, whole or not at all, and waits until it has them for good; a kill may leave a
    /// file with a temporary name beside it.
    package static func replace(_ path: String, _ bytes: [UInt8]) throws {
        let temporary = "\(path).\(getpid())-\(UInt32.random(in: .min ... .max)).tmp"
        do {
            try create(temporary, bytes)
            try move(temporary, to: path)
        } catch {
            unlink(temporary)
            throw error
        }
        try synchronizeDirectory(URL(fileURLWithPath: path).deletingLastPathComponent().path)
    }

    /// Whether `name` is `<file>.<process>-<number>.tmp`, a file whose writer did not live to rename it.
    package static func isTemporary(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 2, parts.last == "tmp" else { return false }
        let numbers = parts[parts.count - 2].split(separator: "-", omittingEmptySubsequences: false)
        return numbers.count == 2 && numbers.allSatisfy { UInt64($0) != nil }
    }

    /// The contents of a regular file of at most `limit` bytes.
    package static func contents(of path: String, limit: Int = .max) throws -> [UInt8] {
        if let size = size(path), size > limit {
            throw CheckpointError.readFailed(operation: "read", path: path, code: EFBIG)
        }
        var contents: [UInt8] = []
        try stream(path) { contents.append(contentsOf: $0) }
        return contents
    }

    /// Feeds the contents of a regular file to `consume`, piece by piece.
    ///
    /// Never blocks on a pipe in its place.
    package static func stream(_ path: String, _ consume: (UnsafeRawBufferPointer) -> Void) throws {
        let descriptor = try readable(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), "open", path)
        defer { close(descriptor) }
        var status = stat()
        _ = try readable(fstat(descriptor, &status), "inspect", path)
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw CheckpointError.readFailed(operation: "read", path: path, code: EISDIR)
        }
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { piece.deallocate() }
        while true {
            let count = retried { read(descriptor, piece.baseAddress, piece.count) }
            guard count >= 0 else {
                throw CheckpointError.readFailed(operation: "read", path: path, code: errno)
            }
            if count == 0 { return }
            consume(UnsafeRawBufferPointer(rebasing: piece[..<count]))
        }
    }

    /// Size of the file at `path` in bytes, following symbolic links; nil when there is none.
    package static func size(_ path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// Whether anything, even a broken symbolic link, has this path.
    package static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Whether `path` is itself a directory, not a symbolic link to one.
    package static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    package static func createDirectory(_ path: String) throws {
        _ = try written(mkdir(path, 0o755), "create directory", path)
    }

    package static func move(_ source: String, to target: String) throws {
        _ = try written(rename(source, target), "rename \(source) to", target)
    }

    package static func remove(_ path: String) throws {
        _ = try written(unlink(path), "delete", path)
    }

    package static func removeDirectory(_ path: String) throws {
        _ = try written(rmdir(path), "delete directory", path)
    }

    /// Makes the names in a directory durable.
    ///
    /// File systems that cannot are taken as they are.
    package static func synchronizeDirectory(_ path: String) throws {
        let descriptor = try written(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open directory", path)
        defer { close(descriptor) }
        if retried({ fsync(descriptor) }) != 0, errno != EINVAL, errno != ENOTSUP {
            throw CheckpointError.writeFailed(operation: "write to disk", path: path, code: errno)
        }
    }

    /// Names in a directory, in no particular order.
    package static func names(in directory: String) throws -> [String] {
        guard let stream = opendir(directory) else {
            throw CheckpointError.readFailed(operation: "list", path: directory, code: errno)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, _ path: String) throws
    {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest)
            let count = retried { write(descriptor, piece.baseAddress, piece.count) }
            guard count > 0 else {
                throw CheckpointError.writeFailed(
                    operation: "write", path: path, code: count < 0 ? errno : EIO)
            }
            rest = rest.dropFirst(count)
        }
    }

    private static func retried<Status: SignedInteger>(_ call: () -> Status) -> Status {
        var status = call()
        while status < 0, errno == EINTR { status = call() }
        return status
    }

    private static func written(_ status: Int32, _ operation: String, _ path: String) throws -> Int32 {
        if status < 0 { throw CheckpointError.writeFailed(operation: operation, path: path, code: errno) }
        return status
    }

    private static func readable(_ status: Int32, _ operation: String, _ path: String) throws -> Int32 {
        if status < 0 { throw CheckpointError.readFailed(operation: operation, path: path, code: errno) }
        return status
    }
}
