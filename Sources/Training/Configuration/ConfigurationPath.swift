/// Where a value stands in a configuration, as in `models[1].gaussian.mean`; the root is empty.
struct ConfigurationPath: Hashable, CustomStringConvertible, ExpressibleByStringLiteral {
    static let root: ConfigurationPath = ""

    let description: String

    init(_ description: String) { self.description = description }

    init(stringLiteral: String) { description = stringLiteral }

    func key(_ name: String) -> ConfigurationPath {
        ConfigurationPath(description.isEmpty ? name : "\(description).\(name)")
    }

    /// Element `index` of a list.
    subscript(index: Int) -> ConfigurationPath { ConfigurationPath("\(description)[\(index)]") }

    /// Any element of a list, for the reference.
    var elements: ConfigurationPath { ConfigurationPath("\(description)[]") }

    /// The mapping or list that holds this value; nil for the root.
    var parent: ConfigurationPath? {
        guard !description.isEmpty else { return nil }
        guard let end = description.lastIndex(where: { $0 == "." || $0 == "[" }) else { return .root }
        return ConfigurationPath(String(description[..<end]))
    }

    /// The last key, as in `mean`.
    var lastKey: String { String(description.split(separator: ".").last ?? "") }

    /// This path, its parent, the parent of that, …, the root.
    var lineage: [ConfigurationPath] { Array(sequence(first: self, next: \.parent)) }
}
