import Yams

extension RunConfiguration {
    /// Checks that a run goes on as it began.
    ///
    /// How long it goes on, on how many ranks, how it is measured and what is kept may change; so may the place of
    /// sample files.
    ///
    /// - Parameter checkpointed: the resolved configuration in a checkpoint.
    /// - Throws: `ConfigurationError` naming every key that differs.
    public func checkContinues(_ checkpointed: String) throws {
        let earlier = try RunConfiguration(
            yaml: checkpointed, source: "the checkpoint's configuration", sampleFiles: .unchecked)
        let write = Format<RunConfiguration>.mapping.write
        let problems = Self.differences(write(earlier), write(self), at: .root).map { path, old, new in
            ConfigurationProblem(
                path: path.description, location: .unknown,
                message: "\(old) in the checkpoint, \(new) now; set it back, or start in another --output",
                isMissingFile: false)
        }
        guard problems.isEmpty else {
            throw ConfigurationError(source: "cannot resume with a changed configuration", problems: problems)
        }
    }

    // Results do not depend on how ranks share the work, and another number of ranks may need another sharing.
    private static let changeable: [ConfigurationPath] = [
        "training.steps", "checkpoints", "evaluation", "dual.tolerance", "dual.window", "ranks",
    ]

    /// Paths where two resolved configurations differ, with both values; nil is a key that is not there.
    private static func differences(
        _ old: Node?, _ new: Node?, at path: ConfigurationPath
    ) -> [(path: ConfigurationPath, old: String, new: String)] {
        switch (old, new) {
        case _ where old == new || changeable.contains(path): return []
        case (.mapping(let old), .mapping(let new)):
            let keys = Array(old.keys) + new.keys.filter { old[$0] == nil }
            return keys.flatMap { differences(old[$0], new[$0], at: path.key($0.flow)) }
        case (.sequence(let old), .sequence(let new)) where old.count == new.count:
            return zip(old, new).enumerated().flatMap { differences($1.0, $1.1, at: path[$0]) }
        case (.scalar, .scalar) where path.lastKey == "samples": return []
        default: return [(path, abbreviated(old), abbreviated(new))]
        }
    }

    private static func abbreviated(_ node: Node?) -> String {
        guard let text = node?.flow else { return "nothing" }
        return "`" + (text.count > 60 ? text.prefix(59) + "…" : text) + "`"
    }
}
