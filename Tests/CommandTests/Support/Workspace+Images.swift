import Foundation
import TestSupport

extension Workspace {
    /// Copies the model of `ImageTests`, which has random weights, with the tokenizer of the tokenizer's tests; returns
    /// its path.
    @discardableResult
    func copyModel(to name: String = "model") throws -> String {
        let files = FileManager.default
        let tests = packageRoot.appendingPathComponent("Tests")
        let model = at(name)
        try files.copyItem(
            at: tests.appendingPathComponent("CommandTests/Images/Fixtures/tiny"),
            to: URL(fileURLWithPath: model))
        try files.copyItem(
            at: tests.appendingPathComponent("ModelsTests/CLIP/Fixtures/sd1"),
            to: URL(fileURLWithPath: model + "/tokenizer"))
        return model
    }

    /// Runs `saddle COMMAND` on a configuration, into the run directory `output`.
    func run(
        _ command: String, yaml: String, _ arguments: [String] = [], output: String, ranks: Int? = nil
    ) throws -> CommandResult {
        let file = try write(yaml, to: "\(output).yaml")
        return try saddle([command, file, "--output", at(output)] + arguments, ranks: ranks)
    }
}
