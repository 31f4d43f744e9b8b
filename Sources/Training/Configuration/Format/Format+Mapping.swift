import Rewards
import Yams

extension Format where Value: Keyed {
    /// A mapping with the keys of `Value.fields`.
    static var mapping: Self { mapping(from: .blank) }

    /// The same, with other defaults than the type's.
    static func mapping(from start: Value) -> Self {
        Format(
            name: "mapping",
            read: { node, path, reader in reader.mapping(node, at: path, from: start) },
            write: { value in
                Node(
                    Value.fields.compactMap { field in
                        field.write(value).map { (Node(field.key, .implicit, .plain), $0) }
                    })
            },
            references: { path in Value.fields.flatMap { $0.references(path) } })
    }
}

extension ConfigurationReader {
    /// Reads a mapping as far as it can be read; what is missing or wrong has its default.
    func mapping<Value: Keyed>(
        _ node: Node, at path: ConfigurationPath, from start: Value = Value.blank
    ) -> Value {
        var value = start
        guard case .mapping(let mapping) = node else {
            refuse(node, expected: "mapping", at: path, remedy: Self.listing("its keys are", Value.fields))
            return value
        }
        let given = entries(of: mapping, at: path, Value.fields)
        for field in Value.fields {
            if let node = given[field.key] { field.read(node, path.key(field.key), self, &value) }
        }
        checkPresence(of: given, at: path, value)
        value.check(at: path, self)
        return value
    }

    /// The mapping's values by key; keys that are unknown or repeated are reported.
    private func entries<Owner>(
        of mapping: Node.Mapping, at path: ConfigurationPath, _ fields: [Field<Owner>]
    ) -> [String: Node] {
        var given: [String: Node] = [:]
        for (keyNode, node) in mapping {
            let text = keyNode.scalar?.string ?? keyNode.summary
            let key = text.normalizedKey
            note(keyNode, at: path.key(key))
            if given[key] != nil {
                refuse("the key `\(text)` is given twice; remove one", at: path.key(key))
            } else if fields.contains(where: { $0.key == key }) {
                given[key] = node
                note(node, at: path.key(key))
            } else {
                reportUnknown(text, in: path, fields.map(\.key))
            }
        }
        return given
    }

    private func reportUnknown(_ text: String, in mapping: ConfigurationPath, _ keys: [String]) {
        let key = text.normalizedKey
        let near = nearestMatch(to: key, among: keys)
        let elsewhere = knownPaths.filter { $0.lastKey == key }
        let hint =
            if let near {
                "did you mean `\(near)`?"
            } else if !elsewhere.isEmpty {
                "did you mean " + elsewhere.map { "`\($0)`" }.joined(separator: " or ") + "?"
            } else {
                "the keys here are " + keys.map { "`\($0)`" }.joined(separator: ", ")
            }
        report("unknown key `\(text)`; \(hint)", at: mapping.key(key))
        // What was misspelled is not missing as well.
        if let near { misspelled.insert(mapping.key(near)) }
    }

    private func checkPresence<Owner>(of given: [String: Node], at path: ConfigurationPath, _ value: Owner)
    where Owner: Keyed {
        for field in Owner.fields {
            let place = path.key(field.key)
            let isGiven = given[field.key] != nil
            if !isGiven, misspelled.contains(place) {
                distrust(place)
            } else if field.presence == .required, !isGiven {
                refuse("is missing; add `\(field.key):`", at: place)
            } else if isGiven, let condition = field.condition {
                require(condition.holds(value), at: place, with: ["kind"]) {
                    "is for \(condition.kind) only; remove it, or change `kind`"
                }
            }
        }
        checkAlternatives(among: given, at: path, Owner.fields.filter { $0.presence == .alternative })
    }

    private func checkAlternatives<Owner>(
        among given: [String: Node], at path: ConfigurationPath, _ alternatives: [Field<Owner>]
    ) {
        let taken = alternatives.filter { given[$0.key] != nil }
        guard !alternatives.isEmpty, taken.count != 1 else { return }
        for field in alternatives { distrust(path.key(field.key)) }
        if taken.count > 1 {
            report(Self.listing("give only one of", taken), at: path)
        } else if !alternatives.contains(where: { misspelled.contains(path.key($0.key)) }) {
            report(Self.listing("give one of", alternatives), at: path)
        }
    }

    private static func listing<Owner>(_ start: String, _ fields: [Field<Owner>]) -> String {
        start + " " + fields.map { "`\($0.key)`" }.joined(separator: ", ")
    }
}
