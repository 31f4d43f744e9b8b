import Foundation

/// How the memory of this process that is in main memory grows from here on, in bytes, by what `/proc` says.
struct ResidentMemory {
    private let start: Int

    /// - Returns: nil where the system does not tell.
    init?() {
        // 5 sets the peak back to what is resident now: proc(5), clear_refs.
        guard (try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))) != nil,
            let now = Self.now
        else { return nil }
        start = now
    }

    /// The most it has been above where it was.
    var growth: Int? { Self.peak.map { max($0 - start, 0) } }

    /// What is resident.
    static var now: Int? { read("VmRSS") }

    /// The most that has been resident.
    static var peak: Int? { read("VmHWM") }

    private static func read(_ name: String) -> Int? {
        guard let text = fileText("/proc/self/status") else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map {
            $0 << 10
        }
    }
}
