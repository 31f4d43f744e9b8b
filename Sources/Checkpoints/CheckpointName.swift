import Foundation

/// The names that this room gives to directories, and recognises as its own.
package enum CheckpointName {
    /// `checkpoint-<step>`.
    package static func final(_ step: Int) -> String { "checkpoint-\(step)" }

    /// `.checkpoint-<step>-<16 hexadecimal digits>.staging`: a save that has not finished.
    package static func staging(_ step: Int) -> String { hidden(step, "staging") }

    /// `.checkpoint-<step>-<16 hexadecimal digits>.trash`: a deletion that has not finished.
    package static func trash(_ step: Int) -> String { hidden(step, "trash") }

    /// The step of `checkpoint-<step>`; nil for any other name, `checkpoint-007` included.
    package static func step(of name: String) -> Int? {
        guard let dash = name.lastIndex(of: "-"), let step = Int(name[name.index(after: dash)...]), step >= 0,
            name == final(step)
        else { return nil }
        return step
    }

    /// Whether `name` is that of an unfinished save or deletion.
    package static func isUnfinished(_ name: String) -> Bool {
        guard name.hasPrefix("."), let dot = name.lastIndex(of: "."),
            ["staging", "trash"].contains(name[name.index(after: dot)...])
        else { return false }
        let stem = name[..<dot].dropFirst()
        guard let dash = stem.lastIndex(of: "-"), step(of: String(stem[..<dash])) != nil else { return false }
        let digits = stem[stem.index(after: dash)...]
        return digits.count == 16 && digits.allSatisfy { "0123456789abcdef".contains($0) }
    }

    private static func hidden(_ step: Int, _ suffix: String) -> String {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        let padding = String(repeating: "0", count: 16 - digits.count)
        return ".\(final(step))-\(padding)\(digits).\(suffix)"
    }
}
