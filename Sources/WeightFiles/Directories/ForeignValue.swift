/// A name in a configuration that stands for something Saddle has not.
package struct ForeignValue: Error, CustomStringConvertible {
    let key: String
    let value: String
    let known: [String]

    package var description: String { "\(key) is \"\(value)\"" }
    var advice: String { "Saddle has \(known.joined(separator: " and "))." }
}

extension KeyedDecodingContainer {
    /// One of the names of an enumeration, nil where the key is not there.
    ///
    /// - Throws: `ForeignValue` for another name.
    package func decodeName<Name: RawRepresentable & CaseIterable>(
        _ type: Name.Type, forKey key: Key
    ) throws -> Name? where Name.RawValue == String {
        guard let value = try decodeIfPresent(String.self, forKey: key) else { return nil }
        guard let name = Name(rawValue: value) else {
            throw ForeignValue(key: key.stringValue, value: value, known: Name.allCases.map(\.rawValue))
        }
        return name
    }
}
