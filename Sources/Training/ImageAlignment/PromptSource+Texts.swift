import Foundation

extension PromptSource {
    /// The prompts themselves.
    ///
    /// - Throws: `PromptFileError`.
    func texts() throws -> [String] {
        switch self {
        case .list(let prompts): return prompts
        case .file(let path):
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                throw PromptFileError(path: path, reason: "cannot be read as UTF-8 text")
            }
            let lines = text.split(whereSeparator: \.isNewline)
                .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
            guard !lines.isEmpty else { throw PromptFileError(path: path, reason: "has no prompts") }
            return lines
        }
    }
}

/// A file of prompts that has none.
struct PromptFileError: ExitCoded, CustomStringConvertible {
    let path: String
    let reason: String

    var exitCode: Int32 { ExitStatus.badData }
    var description: String { "\(path) \(reason); write one prompt a line" }
}
