import Yams

/// A mapping of the configuration, described by the table of its keys: reading, writing and the reference follow.
protocol Keyed {
    /// All defaults; what must be given has some value.
    static var blank: Self { get }
    /// In the order in which they are written.
    static var fields: [Field<Self>] { get }
    /// Reports what is wrong between the values at `path` and in it.
    func check(at path: ConfigurationPath, _ reader: ConfigurationReader)
}

extension Keyed {
    func check(at path: ConfigurationPath, _ reader: ConfigurationReader) {}
}

/// Limits a key to configurations of one kind.
struct Condition<Owner> {
    /// As in `mixture`.
    let kind: String
    let holds: (Owner) -> Bool
}

/// One key of a mapping.
struct Field<Owner> {
    enum Presence {
        case required, optional
        /// Exactly one of the mapping's alternatives is given.
        case alternative
    }

    let key: String
    let presence: Presence
    let condition: Condition<Owner>?
    let read: (Node, ConfigurationPath, ConfigurationReader, inout Owner) -> Void
    /// nil where the key is left out.
    let write: (Owner) -> Node?
    let references: (ConfigurationPath) -> [KeyReference]
}

extension Field where Owner: Keyed {
    static func required<Value>(
        _ key: String, _ property: WritableKeyPath<Owner, Value>, _ format: Format<Value>, unit: String = "",
        _ meaning: String
    ) -> Field {
        Field(
            key, .required, format, nil, get: { $0[keyPath: property] }, set: { $0[keyPath: property] = $1 },
            default: "required", unit, meaning)
    }

    /// - Parameters:
    ///   - standard: the default in words, where the value says too little.
    ///   - condition: where the key has a meaning; elsewhere it is an error.
    static func optional<Value>(
        _ key: String, _ property: WritableKeyPath<Owner, Value>, _ format: Format<Value>, unit: String = "",
        default standard: String? = nil, only condition: Condition<Owner>? = nil, _ meaning: String
    ) -> Field {
        Field(
            key, .optional, format, condition, get: { $0[keyPath: property] },
            set: { $0[keyPath: property] = $1 },
            default: standard ?? format.write(Owner.blank[keyPath: property]).reference, unit, meaning)
    }

    /// One of several keys that give the same property.
    static func alternative<Whole, Part>(
        _ key: String, of property: WritableKeyPath<Owner, Whole>, _ format: Format<Part>,
        embed: @escaping (Part) -> Whole, extract: @escaping (Whole) -> Part?, _ meaning: String
    ) -> Field {
        Field(
            key, .alternative, format, nil, get: { extract($0[keyPath: property]) },
            set: { $0[keyPath: property] = embed($1) }, default: "one of these", "", meaning)
    }

    private init<Value>(
        _ key: String, _ presence: Presence, _ format: Format<Value>, _ condition: Condition<Owner>?,
        get: @escaping (Owner) -> Value?, set: @escaping (inout Owner, Value) -> Void,
        default standard: @escaping @autoclosure () -> String, _ unit: String, _ meaning: String
    ) {
        self.key = key
        self.presence = presence
        self.condition = condition
        read = { node, path, reader, owner in
            if let value = format.read(node, path, reader) { set(&owner, value) }
        }
        write = { owner in
            condition?.holds(owner) == false ? nil : get(owner).map(format.write)
        }
        references = { path in
            let limit = condition.map { " For `kind: \($0.kind)` only." } ?? ""
            return [
                KeyReference(path.key(key), type: format.name, default: standard(), unit, meaning + limit)
            ] + format.references(path.key(key))
        }
    }
}
