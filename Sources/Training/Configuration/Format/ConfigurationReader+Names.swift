extension ConfigurationReader {
    /// Reports names that are no file names, and names that two elements of a list share.
    func requireDistinctNames(_ names: [String], at list: ConfigurationPath) {
        var places: [String: ConfigurationPath] = [:]
        for (index, name) in names.enumerated() {
            let place = list[index].key("name")
            guard isRead(place) else { continue }
            require(name.isFileName, at: place) {
                "`\(name)` names files too: use 1 to 64 letters, digits, `_`, `-` and `.`, and start with a letter "
                    + "or digit"
            }
            if let earlier = places[name] {
                report(
                    "`\(name)` is the name of \(earlier.parent ?? list) too; names must differ", at: place)
            } else {
                places[name] = place
            }
        }
    }
}

extension String {
    /// Whether it is a plain file name on every system.
    fileprivate var isFileName: Bool {
        let isWord: (Character) -> Bool = { $0.isASCII && ($0.isLetter || $0.isNumber) }
        return count <= 64 && first.map(isWord) == true && allSatisfy { isWord($0) || "_-.".contains($0) }
    }
}
