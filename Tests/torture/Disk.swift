import Foundation

/// Where runs live: a small file system of its own where one may be mounted, else a temporary directory.
final class Disk {
    let path: String
    /// Whether it can be filled up and made read-only without harm to others.
    let isOwn: Bool
    private static let size = 32 << 20

    init() throws {
        path = NSTemporaryDirectory() + "saddle-torture-\(getpid())"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        isOwn = mount("tmpfs", path, "tmpfs", 0, "size=\(Disk.size)") == 0
    }

    func remove() {
        if isOwn { umount2(path, Int32(MNT_DETACH)) }
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Runs `body` while only `bytes` are free.
    func withFree<Result>(_ bytes: Int, _ body: () throws -> Result) throws -> Result {
        let ballast = "\(path)/ballast"
        var status = statvfs()
        statvfs(path, &status)
        let free = Int(status.f_bavail) * Int(status.f_frsize)
        _ = FileManager.default.createFile(atPath: ballast, contents: Data(count: max(0, free - bytes)))
        defer { unlink(ballast) }
        return try body()
    }

    /// Runs `body` while nothing can be written.
    func withoutWriting<Result>(_ body: () throws -> Result) throws -> Result {
        try remount(MS_REMOUNT | MS_RDONLY)
        let result = Swift.Result { try body() }
        try remount(MS_REMOUNT)
        return try result.get()
    }

    private func remount(_ flags: Int) throws {
        // Processes that were killed may hold files open for writing a moment longer.
        for _ in 0..<200 {
            if mount("tmpfs", path, "tmpfs", UInt(flags), "size=\(Disk.size)") == 0 { return }
            usleep(10_000)
        }
        throw CocoaError(.fileWriteUnknown)
    }
}
