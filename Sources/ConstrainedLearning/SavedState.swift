/// A saved state that the reader of it did not write.
public enum SavedStateError: Error, Equatable, CustomStringConvertible {
    case missing(String)
    case wrongCount(String, got: Int, expected: Int)
    case notACount(String, got: Double)

    public var description: String {
        switch self {
        case .missing(let key):
            "saved state: no entry '\(key)'; resume with the rule that wrote the checkpoint"
        case .wrongCount(let key, let got, let expected):
            "saved state: '\(key)' has \(got) values, expected \(expected); "
                + "resume with the constraints and the rule that wrote the checkpoint"
        case .notACount(let key, let got):
            "saved state: '\(key)' is \(got), expected a count; the checkpoint is damaged"
        }
    }
}

/// Typed access to a flat state.
struct StateReader {
    let entries: [String: [Double]]

    func vector(_ key: String) throws -> [Double] {
        guard let values = entries[key] else { throw SavedStateError.missing(key) }
        return values
    }

    func vector(_ key: String, count: Int) throws -> [Double] {
        let values = try vector(key)
        guard values.count == count else {
            throw SavedStateError.wrongCount(key, got: values.count, expected: count)
        }
        return values
    }

    func scalar(_ key: String) throws -> Double { try vector(key, count: 1)[0] }

    func count(_ key: String) throws -> Int {
        let value = try scalar(key)
        guard let count = Int(exactly: value), count >= 0 else {
            throw SavedStateError.notACount(key, got: value)
        }
        return count
    }

    /// A flat sequence of vectors of one length.
    func rows(_ key: String, length: Int) throws -> [[Double]] {
        let values = try vector(key)
        guard length > 0, values.count.isMultiple(of: length) else {
            if values.isEmpty { return [] }
            throw SavedStateError.wrongCount(key, got: values.count, expected: length)
        }
        return stride(from: 0, to: values.count, by: length).map { Array(values[$0..<$0 + length]) }
    }

    func matrix(_ key: String, order: Int) throws -> SquareMatrix {
        SquareMatrix(order: order, values: try vector(key, count: order * order))
    }
}
