import Foundation

/// Main memory, in bytes, by what `/proc/meminfo` says.
package struct Memory: Equatable, Sendable {
    package let total: Int
    package let available: Int

    /// - Returns: nil if the entries are not there.
    package init?(meminfo text: String) {
        func bytes(_ name: String) -> Int? {
            let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
            let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
            return kibibytes.map { $0 << 10 }
        }
        guard let total = bytes("MemTotal"), let available = bytes("MemAvailable") else { return nil }
        self.total = total
        self.available = available
    }

    static func current() -> Memory? { fileText("/proc/meminfo").flatMap(Memory.init(meminfo:)) }
}

/// 512 MiB, 23.5 GiB.
func size(_ bytes: Int) -> String {
    let mebibytes = Double(bytes) / Double(1 << 20)
    return mebibytes < 1024
        ? String(format: "%.0f MiB", mebibytes) : String(format: "%.1f GiB", mebibytes / 1024)
}

/// - Parameter limit: bytes that the control group allows; nil for no limit.
package func memoryFinding(_ memory: Memory?, limit: Int?) -> Finding {
    guard let memory else { return .ok("memory", "unknown: no /proc/meminfo") }
    let usable = min(memory.available, limit ?? .max)
    let bound = limit.map { $0 < memory.total ? ", limited to \(size($0))" : "" } ?? ""
    let found = "\(size(memory.total)), \(size(memory.available)) free\(bound)"
    return usable < 1 << 30
        ? .warn("memory", found, remedy: "free memory, or use fewer ranks: each takes some 100 MiB")
        : .ok("memory", found)
}
