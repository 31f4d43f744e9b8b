import Models
import Synchronization
import TensorCore
import WeightFiles

/// Features of prompts, of length 1; those seen before are kept, since training repeats its prompts.
final class PromptFeatures: Sendable {
    /// Some kilobytes each.
    private static let limit = 4096

    private let model: CLIPModel
    private let tokenizer: CLIPTokenizer
    private let known = Mutex<[String: Tensor]>([:])

    /// - Parameter directory: holds the tokenizer's files.
    init(_ model: CLIPModel, directory: ComponentDirectory) throws {
        self.model = model
        tokenizer = try CLIPTokenizer(
            directory: directory.path, defaultLength: model.configuration.text.positions)
        let text = model.configuration.text
        guard tokenizer.maximumLength <= text.positions, tokenizer.vocabularySize <= text.vocabularySize
        else {
            throw ModelFilesError.invalid(
                path: directory.path,
                reason:
                    "the tokenizer makes \(tokenizer.maximumLength) ids below \(tokenizer.vocabularySize), "
                    + "the model takes \(text.positions) below \(text.vocabularySize)")
        }
    }

    /// - Shapes: result `[N, features]`, N prompts.
    func callAsFunction(_ prompts: [String]) -> Tensor {
        withoutRecording { Tensor.concatenated(prompts.map(features)) }
    }

    /// One prompt at a time, so that its features do not depend on its neighbours in any bit.
    private func features(of prompt: String) -> Tensor {
        if let features = known.withLock({ $0[prompt] }) { return features }
        let ids = tokenizer(prompt)
        let features = model.textFeatures(Tensor(indices: ids, shape: [1, ids.count])).normalized(axis: 1)
        known.withLock {
            if $0.count >= Self.limit { $0.removeAll() }
            $0[prompt] = features
        }
        return features
    }
}
