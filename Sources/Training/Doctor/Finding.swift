/// What the doctor says about one part of the machine.
public struct Finding: Sendable, Equatable, Encodable {
    public enum Verdict: String, Sendable, Encodable {
        case ok, warn
        /// Saddle cannot work like this.
        case fail = "FAIL"
    }

    /// The part of the machine.
    public let subject: String
    public let verdict: Verdict
    /// What was found.
    public let found: String
    /// What to do, as a command where there is one; nil where nothing is to be done.
    public let remedy: String?

    static func ok(_ subject: String, _ found: String) -> Finding {
        Finding(subject: subject, verdict: .ok, found: found, remedy: nil)
    }

    static func warn(_ subject: String, _ found: String, remedy: String) -> Finding {
        Finding(subject: subject, verdict: .warn, found: found, remedy: remedy)
    }

    static func fail(_ subject: String, _ found: String, remedy: String) -> Finding {
        Finding(subject: subject, verdict: .fail, found: found, remedy: remedy)
    }
}
