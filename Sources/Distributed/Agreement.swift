/// Checks every few steps that what must be equal on all ranks (parameters, multipliers) is.
///
/// Ranks that drift apart train on in silence otherwise; the fault is in memory, in a library that rounds
/// differently on another machine, or in a step that some ranks skipped.
public struct Agreement: Sendable {
    /// Steps between checks; 0 for none.
    public let interval: Int

    public init(interval: Int) {
        precondition(interval >= 0, "Agreement: interval \(interval), expected at least 0")
        self.interval = interval
    }

    /// Whether `step` is one of the steps to check.
    public func isDue(at step: Int) -> Bool { interval > 0 && step % interval == 0 }

    /// Compares hashes of the parts over all ranks, if the check is due at `step`.
    ///
    /// Errors: `Disagreement`, alike on all ranks.
    public func check(
        step: Int, _ parts: [(name: String, bytes: UnsafeRawBufferPointer)],
        over communicator: any Communicator
    ) throws {
        guard isDue(at: step) else { return }
        let hashes = try communicator.allGather(parts.map { Self.hash($0.bytes) })
        for (i, part) in parts.enumerated() {
            let ofRank = stride(from: i, to: hashes.count, by: parts.count).map { hashes[$0] }
            let deviating = Self.minority(ofRank)
            guard deviating.isEmpty else {
                throw Disagreement(step: step, part: part.name, ranks: deviating, size: communicator.size)
            }
        }
    }

    /// The ranks whose value is not that of most ranks; of values equally frequent, the lowest rank's counts.
    static func minority(_ values: [UInt64]) -> [Int] {
        let counts = values.reduce(into: [UInt64: Int]()) { $0[$1, default: 0] += 1 }
        let most = counts.values.max() ?? 0
        guard let agreed = values.first(where: { counts[$0] == most }) else { return [] }
        return values.indices.filter { values[$0] != agreed }
    }

    /// A 64-bit hash in which every step is a bijection: a change of any one word changes it.
    package static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = UInt64(bytes.count)
        func mix(_ word: UInt64) {
            // The odd multiplier is that of Knuth's 64-bit linear congruential generator.
            hash = (hash ^ word) &* 6_364_136_223_846_793_005
            hash ^= hash >> 32
        }
        let words = bytes.count / 8
        for i in 0..<words { mix(bytes.loadUnaligned(fromByteOffset: 8 * i, as: UInt64.self)) }
        for byte in bytes[(8 * words)...] { mix(UInt64(byte)) }
        return hash
    }
}

/// Ranks that should hold equal numbers and do not.
public struct Disagreement: AgreedError, Equatable {
    public let step: Int
    /// What differs.
    public let part: String
    /// The ranks that differ from most ranks.
    public let ranks: [Int]
    public let size: Int

    public var reportingRank: Int { 0 }

    public var description: String {
        let differing = ranks.map(String.init).joined(separator: ", ")
        return "at step \(step) \(part) is not the same on all \(size) ranks: rank \(differing) differs. "
            + "Resume from the last checkpoint; if it recurs, look at those ranks' machines "
            + "(memory, different processors or libraries)"
    }
}
