/// One thing that is wrong with a configuration.
public struct ConfigurationProblem: Equatable, Sendable, CustomStringConvertible {
    /// Where the value comes from.
    public enum Location: Equatable, Sendable {
        /// Counted from 1.
        case position(line: Int, column: Int)
        /// Text of the `--set` that gave it.
        case override(String)
        /// A default, or the file as a whole.
        case unknown
    }

    /// Key path as in `models[1].gaussian.covariance`; empty for the file as a whole.
    public let path: String
    public let location: Location
    /// What was found, what is expected, and what helps.
    public let message: String
    /// Whether the problem is a file that is not there or cannot be read.
    public let isMissingFile: Bool

    public var description: String {
        let place =
            switch location {
            case .position(let line, let column): "line \(line), column \(column): "
            case .override(let text): "--set \(text): "
            case .unknown: ""
            }
        return place + (path.isEmpty ? "" : "\(path): ") + message
    }
}

/// All that is wrong with a configuration.
public struct ConfigurationError: ExitCoded, Equatable, CustomStringConvertible {
    /// The file, or what stands for it.
    public let source: String
    /// In the order of the file.
    public let problems: [ConfigurationProblem]

    init(source: String, problems: [ConfigurationProblem]) {
        self.source = source
        self.problems = problems
    }

    /// One problem of the file as a whole.
    init(
        _ source: String, _ message: String, at location: ConfigurationProblem.Location = .unknown,
        isMissingFile: Bool = false
    ) {
        self.init(
            source: source,
            problems: [
                ConfigurationProblem(
                    path: "", location: location, message: message, isMissingFile: isMissingFile)
            ])
    }

    /// 66 if all that is missing is files, 78 otherwise.
    public var exitCode: Int32 {
        problems.allSatisfy(\.isMissingFile) ? ExitStatus.noInput : ExitStatus.configuration
    }

    public var description: String {
        guard problems.count > 1 else { return "\(source): " + problems.map(\.description).joined() }
        let shown = problems.prefix(30).map { "  \($0)" }
        let rest = problems.count > shown.count ? ["  … and \(problems.count - shown.count) more"] : []
        return (["\(source): \(problems.count) problems"] + shown + rest).joined(separator: "\n")
    }
}
