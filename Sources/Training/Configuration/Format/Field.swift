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
        field(key, .required, property, format, nil, "required", unit, meaning)
    }

    /// - Parameter standard: the default in words, where the value says too little.
    static func optional<Value>(
        _ key: String, _ property: WritableKeyPath<Owner, Value>, _ format: Format<Value>, unit: String = "",
        default standard: String? = nil, only condition: Condition<Owner>? = nil, _ meaning: String
    ) -> Field {
        let value = format.write(Owner.blank[keyPath: property])
        return field(
            key, .optional, property, format, condition, standard ?? value.reference, unit, meaning)
    }

    /// One of several keys that give the same property.
    static func alternative<Whole, Part>(
        _ key: String, of property: WritableKeyPath<Owner, Whole>, _ format: Format<Part>, unit: String = "",
        embed: @escaping (Part) -> Whole, extract: @escaping (Whole) -> Part?, _ meaning: String
    ) -> Field {
        Field(
            key: key, presence: .alternative, condition: nil,
            read: { node, path, reader, owner in
                if let part = format.read(node, path, reader) { owner[keyPath: property] = embed(part) }
            },
            write: { extract($0[keyPath: property]).map(format.write) },
            references: {
                [KeyReference($0.key(key), type: format.name, default: "one of these", unit, meaning)]
                    + format.references($0.key(key))
            })
    }

    private static func field<Value>(
        _ key: String, _ presence: Presence, _ property: WritableKeyPath<Owner, Value>,
        _ format: Format<Value>, _ condition: Condition<Owner>?, _ standard: String, _ unit: String,
        _ meaning: String
    ) -> Field {
        Field(
            key: key, presence: presence, condition: condition,
            read: { node, path, reader, owner in
                if let value = format.read(node, path, reader) { owner[keyPath: property] = value }
            },
            write: { owner in
                condition.map { $0.holds(owner) } == false ? nil : format.write(owner[keyPath: property])
            },
            references: {
                [KeyReference($0.key(key), type: format.name, default: standard, unit, meaning)]
                    + format.references($0.key(key))
            })
    }
}
