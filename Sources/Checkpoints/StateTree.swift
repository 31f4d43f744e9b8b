/// Everything that determines the future of a run, as a map from paths such as `model/blocks.0.weight`
/// to arrays and scalars, ordered by the bytes of the path.
public struct StateTree: Sendable, Equatable {
    private var values: [String: StateValue] = [:]
    /// How many values lie below each inner path, so that no path is both a value and a group.
    private var branches: [String: Int] = [:]

    public init() {}

    public var count: Int { values.count }

    /// All paths, in order.
    public var paths: [String] {
        values.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// The value at `path`.
    ///
    /// Setting nil removes it; setting a path that cannot be stored is misuse.
    public subscript(path: String) -> StateValue? {
        get { values[path] }
        set {
            if let newValue {
                let objection = objection(to: path)
                precondition(objection == nil, "StateTree: path '\(path)' \(objection ?? "")")
                if values.updateValue(newValue, forKey: path) == nil { count(path, by: 1) }
            } else if values.removeValue(forKey: path) != nil {
                count(path, by: -1)
            }
        }
    }

    /// Adds every value of `tree` below `prefix`.
    public mutating func insert(_ tree: StateTree, at prefix: String) {
        for (path, value) in tree.values { self["\(prefix)/\(path)"] = value }
    }

    /// The values below `prefix`, with the prefix taken off; empty when there are none.
    public func subtree(_ prefix: String) -> StateTree {
        var tree = StateTree()
        for (path, value) in values where path.hasPrefix(prefix + "/") {
            tree[String(path.dropFirst(prefix.count + 1))] = value
        }
        return tree
    }

    /// Why `path` cannot take a value, or nil when it can.
    package func objection(to path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        if parts.contains("") { return "has an empty component" }
        if parts.contains(".") || parts.contains("..") { return "has a component '.' or '..'" }
        if path.utf8.contains(0) { return "contains a NUL byte" }
        if branches[path] != nil { return "is already a group of other values" }
        if let leaf = StateTree.groups(of: path).first(where: { values[$0] != nil }) {
            return "lies below '\(leaf)', which is already a value"
        }
        return nil
    }

    /// The groups that contain `path`, outermost first: `a`, `a/b` for `a/b/c`.
    package static func groups(of path: String) -> [String] {
        path.indices.filter { path[$0] == "/" }.map { String(path[..<$0]) }
    }

    private mutating func count(_ path: String, by change: Int) {
        for group in StateTree.groups(of: path) {
            let below = branches[group, default: 0] + change
            branches[group] = below == 0 ? nil : below
        }
    }
}

/// A checkpoint's state lacks a value that a run needs, or holds another kind of value there.
public enum StateTreeError: Error, Equatable, CustomStringConvertible {
    case missing(path: String, expected: String)
    case mismatch(path: String, expected: String, found: String)

    public var description: String {
        switch self {
        case .missing(let path, let expected):
            "state has no '\(path)' (expected \(expected)); the checkpoint belongs to another configuration"
        case .mismatch(let path, let expected, let found):
            "state '\(path)': expected \(expected), found \(found); "
                + "the checkpoint belongs to another configuration"
        }
    }
}

extension StateTree {
    /// The array at `path`, of exactly this type and, if given, shape.
    public func array(_ path: String, type: ElementType, shape: [Int]? = nil) throws -> StateArray {
        let expected = "\(type.rawValue) array" + (shape.map { " \($0)" } ?? "")
        return try value(path, expected) {
            guard case .array(let array) = $0, array.type == type, shape == nil || array.shape == shape
            else { return nil }
            return array
        }
    }

    /// The elements of the array at `path`, of exactly this type and, if given, shape.
    public func elements<Element: StateElement>(
        _ path: String, as element: Element.Type = Element.self, shape: [Int]? = nil
    ) throws -> [Element] {
        try array(path, type: Element.elementType, shape: shape).elements()
    }

    public func real(_ path: String) throws -> Double {
        try value(path, "real") { if case .real(let number) = $0 { number } else { nil } }
    }

    public func integer(_ path: String) throws -> Int64 {
        try value(path, "integer") { if case .integer(let number) = $0 { number } else { nil } }
    }

    public func text(_ path: String) throws -> String {
        try value(path, "text") { if case .text(let string) = $0 { string } else { nil } }
    }

    public func flag(_ path: String) throws -> Bool {
        try value(path, "flag") { if case .flag(let flag) = $0 { flag } else { nil } }
    }

    private func value<Value>(
        _ path: String, _ expected: String, _ extract: (StateValue) -> Value?
    ) throws -> Value {
        guard let found = self[path] else { throw StateTreeError.missing(path: path, expected: expected) }
        guard let value = extract(found) else {
            throw StateTreeError.mismatch(path: path, expected: expected, found: found.kind)
        }
        return value
    }
}
