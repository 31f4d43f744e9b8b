import Yams

/// What the reference says of one key.
struct KeyReference {
    let path: ConfigurationPath
    let type: String
    let standard: String
    let unit: String
    let meaning: String

    init(_ path: ConfigurationPath, type: String, default standard: String, _ unit: String, _ meaning: String)
    {
        self.path = path
        self.type = type
        self.standard = standard
        self.unit = unit
        self.meaning = meaning
    }
}

extension Node {
    /// A default value in the reference: empty for a mapping, whose keys have their own.
    var reference: String {
        if case .mapping = self { "" } else { "`\(flow)`" }
    }
}
