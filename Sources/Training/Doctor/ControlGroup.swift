import Foundation

/// Limits that a container or a batch system has set (control groups, version 2).
package enum ControlGroup {
    private static let root = "/sys/fs/cgroup"

    static func coreQuota() -> Double? { fileText("\(root)/cpu.max").flatMap(coreQuota(cpuMax:)) }

    static func memoryLimit() -> Int? { fileText("\(root)/memory.max").flatMap(memoryLimit(memoryMax:)) }

    /// - Parameter text: `max 100000`, or microseconds of time in each period.
    package static func coreQuota(cpuMax text: String) -> Double? {
        let parts = text.split(whereSeparator: \.isWhitespace).map { Double($0) }
        guard parts.count == 2, let time = parts[0], let period = parts[1], time > 0, period > 0 else {
            return nil
        }
        return time / period
    }

    /// - Parameter text: `max`, or bytes.
    package static func memoryLimit(memoryMax text: String) -> Int? {
        Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
