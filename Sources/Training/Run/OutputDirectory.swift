import Foundation

/// A directory that cannot be made.
public struct OutputDirectoryError: ExitCoded, Equatable, CustomStringConvertible {
    public let path: String
    public let reason: String

    public var exitCode: Int32 { ExitStatus.cannotCreate }

    public var description: String {
        "cannot create the directory \(path): \(reason). Choose another place."
    }
}

/// Creates a directory and those above it; nothing where it is already there.
func createDirectory(_ url: URL) throws {
    do {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
        // Foundation's sentence ends with a full stop of its own.
        let reason = error.localizedDescription.trimmingCharacters(in: CharacterSet(charactersIn: "."))
        throw OutputDirectoryError(path: url.path, reason: reason)
    }
}
