/// Why a model directory or an adapter file cannot be used.
public enum ModelFilesError: Error, Equatable, CustomStringConvertible {
    /// Something that has to be there is not.
    case missing(path: String, what: String, advice: String)
    /// The system does not let us read it.
    case unreadable(path: String, reason: String)
    /// The contents break the rules of the format.
    case invalid(path: String, reason: String)
    /// Well-formed, but of a kind that Saddle does not have.
    case unsupported(path: String, what: String, advice: String)
    /// The tensors are not those of the model.
    case mismatch(WeightMismatch)

    public var description: String {
        switch self {
        case .missing(let path, let what, let advice): "\(path): \(what) is missing. \(advice)"
        case .unreadable(let path, let reason):
            "\(path): cannot read: \(reason). Check the path and its permissions."
        case .invalid(let path, let reason):
            "\(path): \(reason.hasSuffix(".") ? String(reason.dropLast()) : reason)."
                + " Correct it, or download or export the file again."
        case .unsupported(let path, let what, let advice):
            "\(path): \(what.hasSuffix(".") ? String(what.dropLast()) : what). \(advice)"
        case .mismatch(let mismatch): mismatch.description
        }
    }
}

/// Everything in which stored tensors differ from those a model expects.
public struct WeightMismatch: Equatable, Sendable, CustomStringConvertible {
    public let path: String
    public internal(set) var missing: [String] = []
    public internal(set) var unexpected: [String] = []
    public internal(set) var misshaped: [String] = []
    /// Stored as something else than floating-point numbers.
    public internal(set) var mistyped: [String] = []
    public internal(set) var nonFinite: [String] = []

    init(path: String) { self.path = path }

    var isEmpty: Bool { lists.allSatisfy(\.names.isEmpty) }

    private var lists: [(kind: String, names: [String])] {
        [
            ("missing", missing), ("unexpected", unexpected), ("of another shape", misshaped),
            ("of another type", mistyped), ("not finite", nonFinite),
        ]
    }

    public var description: String {
        let faults = lists.filter { !$0.names.isEmpty }.map { kind, names in
            "\(names.count) \(kind): \(cut(names, separator: ", "))"
        }
        return "\(path): the tensors do not fit the model: " + faults.joined(separator: "; ")
            + ". Check that the file and config.json are of the same model."
    }
}

/// The first few of a list that may be long.
func cut(_ items: [String], separator: String, limit: Int = 6) -> String {
    let shown = items.prefix(limit).joined(separator: separator)
    return items.count > limit ? shown + separator + "and \(items.count - limit) more" : shown
}
