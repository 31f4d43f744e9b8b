import Foundation

/// The processor, by what `/proc/cpuinfo` says.
package struct Processor: Equatable, Sendable {
    /// The widest vector instructions, of which each level contains those before it.
    package enum VectorLevel: Int, Comparable, Sendable {
        case sse, avx, avx2, avx512

        package static func < (left: VectorLevel, right: VectorLevel) -> Bool {
            left.rawValue < right.rawValue
        }

        var name: String {
            switch self {
            case .sse: "SSE"
            case .avx: "AVX"
            case .avx2: "AVX2"
            case .avx512: "AVX-512"
            }
        }
    }

    package let model: String
    package let level: VectorLevel
    /// Whether it multiplies bf16 numbers.
    package let hasBF16: Bool

    /// - Parameter text: contents of `/proc/cpuinfo`; only the first processor counts.
    package init(cpuinfo text: String) {
        let entries = text.split(separator: "\n").compactMap { line -> (String, String)? in
            let parts = line.split(separator: ":", maxSplits: 1).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            return parts.count == 2 ? (parts[0], parts[1]) : nil
        }
        let first = Dictionary(entries, uniquingKeysWith: { first, _ in first })
        let flags = Set((first["flags"] ?? "").split(separator: " "))
        model = first["model name"] ?? "unknown processor"
        // The AVX-512 that OpenBLAS's SkylakeX kernels need.
        let isWide = ["avx512f", "avx512dq", "avx512bw", "avx512vl"].allSatisfy { flags.contains($0) }
        level =
            isWide
            ? .avx512
            : flags.contains("avx2") && flags.contains("fma")
                ? .avx2
                : flags.contains("avx") ? .avx : .sse
        hasBF16 = flags.contains("avx512_bf16") || flags.contains("amx_bf16")
    }

    /// Cores that this process may run on: those of the machine, less what `taskset`, a container or mpirun's
    /// binding keeps from it.
    static func usableCores() -> Int {
        let allowed = fileText("/proc/self/status").flatMap(coreCount(status:))
        return allowed ?? ProcessInfo.processInfo.activeProcessorCount
    }

    /// - Parameter text: contents of `/proc/self/status`, with a line as in `Cpus_allowed_list: 0-3,8`.
    package static func coreCount(status text: String) -> Int? {
        let key = "Cpus_allowed_list:"
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(key) }) else { return nil }
        let counts = line.dropFirst(key.count).split(separator: ",").map { range -> Int? in
            let ends = range.split(separator: "-").map { Int($0.trimmingCharacters(in: .whitespaces)) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, last >= first else {
                return nil
            }
            return last - first + 1
        }
        let known = counts.compactMap { $0 }
        return known.isEmpty || known.count < counts.count ? nil : known.reduce(0, +)
    }

    static func current() -> Processor { Processor(cpuinfo: fileText("/proc/cpuinfo") ?? "") }
}

/// - Parameters:
///   - cores: those this process may run on.
///   - quota: cores' worth of time that its control group allows; nil for no limit.
package func processorFinding(_ processor: Processor, cores: Int, quota: Double?) -> Finding {
    let vectors = processor.level.name + (processor.hasBF16 ? " with bf16" : "")
    let found = "\(processor.model), \(counted(cores, "core")), \(vectors)"
    if let quota, quota < Double(cores) {
        let threads = max(1, Int(quota))
        return .warn(
            "processor", found + ", limited to \(number(quota)) cores' worth of time",
            remedy:
                "export OMP_NUM_THREADS=\(threads)   # threads of all ranks together, else they wait in turn")
    }
    return .ok("processor", found)
}

/// Contents of a file of the system; nil if it is not there.
func fileText(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
