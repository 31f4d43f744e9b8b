import Distributed

/// Exit codes of the command (sysexits.h); `docs/command.md` lists them.
public enum ExitStatus {
    public static let usage: Int32 = 64
    public static let badData: Int32 = 65
    public static let noInput: Int32 = 66
    /// `saddle doctor`: something that Saddle needs is missing.
    public static let unavailable: Int32 = 69
    public static let `internal`: Int32 = 70
    public static let cannotCreate: Int32 = 73
    public static let cannotWrite: Int32 = 74
    /// A checkpoint was written: start the same command again.
    public static let requeue: Int32 = 75
    public static let configuration: Int32 = 78
}

/// An error that knows which exit code it asks for.
public protocol ExitCoded: Error {
    var exitCode: Int32 { get }
}

/// The exit code of any error.
public func exitCode(for error: any Error) -> Int32 {
    (error as? any ExitCoded)?.exitCode ?? ExitStatus.internal
}

/// Runs `body` outside any job; an error is printed and becomes its exit code.
public func reportingErrors(_ body: () throws -> Int32) -> Int32 {
    do {
        return try body()
    } catch {
        writeToStandardError("saddle: error: \(error)")
        return exitCode(for: error)
    }
}
