import Models
import TensorCore
import WeightFiles

/// The tokenizer beside a model, which is known to make ids that the model takes.
struct PromptTokenizer: Sendable {
    private let tokenizer: CLIPTokenizer

    /// - Parameter directory: holds the tokenizer's files.
    /// - Throws: `ModelFilesError`.
    init(directory: ComponentDirectory, for text: CLIPTextConfiguration) throws {
        tokenizer = try CLIPTokenizer(directory: directory.path, defaultLength: text.positions)
        guard tokenizer.maximumLength <= text.positions, tokenizer.vocabularySize <= text.vocabularySize
        else {
            throw ModelFilesError.invalid(
                path: directory.path,
                reason:
                    "the tokenizer makes \(tokenizer.maximumLength) ids below \(tokenizer.vocabularySize), "
                    + "the model takes \(text.positions) below \(text.vocabularySize)")
        }
    }

    /// - Shapes: result i32 `[1, tokens]`.
    func callAsFunction(_ prompt: String) -> Tensor {
        let ids = tokenizer(prompt)
        return Tensor(indices: ids, shape: [1, ids.count])
    }
}
