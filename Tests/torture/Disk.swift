import Foundation

/// Where runs live: a small file system of its own where one may be mounted, else a temporary directory.
final class Disk {
    let path: String
    /// A directory beside it, for what must not meet a full disk.
    let scratch: String
    /// Whether it can be filled up without harm to others.
    let isOwn: Bool
    private static let size = 32 << 20
    private static let prefix = "saddle-torture-"

    init() throws {
        Disk.removeAbandoned()
        let folder = NSTemporaryDirectory() + Disk.prefix + "\(getpid())"
        (path, scratch) = (folder + "/disk", folder + "/scratch")
        for place in [path, scratch] {
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        }
        isOwn = mount("tmpfs", path, "tmpfs", 0, "size=\(Disk.size)") == 0
    }

    func remove() { Disk.remove(URL(fileURLWithPath: path).deletingLastPathComponent().path) }

    /// Runs `body` while only `bytes` are free.
    func withFree<Result>(_ bytes: Int, _ body: () throws -> Result) throws -> Result {
        let ballast = "\(path)/ballast"
        var status = statvfs()
        statvfs(path, &status)
        let free = Int(status.f_bavail) * Int(status.f_frsize)
        defer { unlink(ballast) }
        try Data(count: max(0, free - bytes)).write(to: URL(fileURLWithPath: ballast))
        return try body()
    }

    /// Runs `body` while nothing can be written in the run directory.
    func withoutWriting<Result>(in directory: String, _ body: () throws -> Result) throws -> Result {
        try isOwn ? remount(MS_RDONLY) : setPermissions(of: directory, 0o555)
        let result = Swift.Result { try body() }
        try isOwn ? remount(0) : setPermissions(of: directory, 0o755)
        return try result.get()
    }

    private func setPermissions(of directory: String, _ mode: mode_t) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        chmod(directory, mode)
    }

    private func remount(_ flags: Int) throws {
        // Processes that were killed may hold files open for writing a moment longer.
        for _ in 0..<1000 {
            if mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT | flags), "size=\(Disk.size)") == 0 { return }
            usleep(10_000)
        }
        throw Loss("cannot remount \(path): \(String(cString: strerror(errno)))")
    }

    /// Campaigns that were killed leave their disks mounted.
    private static func removeAbandoned() {
        let folder = NSTemporaryDirectory()
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        where name.hasPrefix(prefix) {
            guard let process = pid_t(name.dropFirst(prefix.count)), kill(process, 0) != 0, errno == ESRCH
            else {
                continue
            }
            remove(folder + name)
        }
    }

    private static func remove(_ folder: String) {
        umount2("\(folder)/disk", Int32(MNT_DETACH))
        try? FileManager.default.removeItem(atPath: folder)
    }
}
