import Foundation
import Synchronization

/// Sole right to write in a run directory, held from `init` until `release` or the end of the process.
///
/// The file `.lock` is locked by `flock`, which the kernel undoes when the holder dies, and names the holder.
/// Where the file system has no locks (Lustre without `-o flock`, some NFS), the name alone decides: a holder
/// counts as gone if it ran before the same Slurm job was requeued, or is a dead process of this host.
public final class RunLock: Sendable {
    public static let fileName = ".lock"

    public let runDirectory: String
    /// The calling process.
    public let holder: WriterIdentity
    private let descriptor: Mutex<Int32?>

    /// Takes the lock, creating the run directory where needed.
    ///
    /// Throws `CheckpointError.locked` with the holder's name, or `.writeFailed`.
    public init(runDirectory: String) throws {
        let directory = CheckpointStore.withoutTrailingSlash(runDirectory)
        let path = "\(directory)/\(RunLock.fileName)"
        let holder = WriterIdentity.current()
        try RunLock.createDirectories(directory)
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644)
        guard descriptor >= 0 else {
            throw CheckpointError.writeFailed(operation: "create", path: path, code: errno)
        }
        do {
            try RunLock.seize(descriptor, path, for: holder)
            try RunLock.record(holder, descriptor, path)
        } catch {
            close(descriptor)
            throw error
        }
        self.runDirectory = directory
        self.holder = holder
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    /// Gives the lock up; may be called twice.
    public func release() {
        descriptor.withLock { descriptor in
            guard let held = descriptor else { return }
            ftruncate(held, 0)
            close(held)
            descriptor = nil
        }
    }

    private static func seize(_ descriptor: Int32, _ path: String, for holder: WriterIdentity) throws {
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return }
        let code = errno
        let present = try? JSONDecoder().decode(
            WriterIdentity.self, from: Data(DurableFile.contents(of: path, limit: 1 << 16)))
        if code == EWOULDBLOCK { throw CheckpointError.locked(path: path, holder: present, proven: true) }
        if let present, !present.isGone(seenBy: holder) {
            throw CheckpointError.locked(path: path, holder: present, proven: false)
        }
    }

    private static func record(_ holder: WriterIdentity, _ descriptor: Int32, _ path: String) throws {
        let text = Array(try JSONEncoder().encode(holder)) + [UInt8(ascii: "\n")]
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.count, 0) == text.count,
            fsync(descriptor) == 0
        else { throw CheckpointError.writeFailed(operation: "write", path: path, code: errno) }
    }

    private static func createDirectories(_ path: String) throws {
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) {
            if isDirectory.boolValue { return }
            throw CheckpointError.writeFailed(operation: "create directory", path: path, code: ENOTDIR)
        }
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch let error as CocoaError {
            let code = (error.underlying as? POSIXError)?.code.rawValue ?? EIO
            throw CheckpointError.writeFailed(operation: "create directory", path: path, code: code)
        }
    }
}
