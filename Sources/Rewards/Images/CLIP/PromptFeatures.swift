import Synchronization
import TensorCore

/// What a model makes of prompts; those seen before are kept, since training repeats its prompts.
final class PromptFeatures<Features: Sendable>: Sendable {
    private let tokenizer: PromptTokenizer
    private let limit: Int
    private let features: @Sendable (_ ids: Tensor) -> Features
    private let known = Mutex<[String: Features]>([:])

    /// - Parameters:
    ///   - limit: how many prompts are kept, at some kilobytes each unless `features` makes more of them.
    ///   - features: of the ids `[1, tokens]` of one prompt.
    init(
        _ tokenizer: PromptTokenizer, limit: Int = 4096,
        _ features: @escaping @Sendable (_ ids: Tensor) -> Features
    ) {
        self.tokenizer = tokenizer
        self.limit = limit
        self.features = features
    }

    /// One prompt at a time, so that its features do not depend on its neighbours in any bit.
    func callAsFunction(_ prompts: [String]) -> [Features] { withoutRecording { prompts.map(features(of:)) } }

    private func features(of prompt: String) -> Features {
        if let features = known.withLock({ $0[prompt] }) { return features }
        let features = features(tokenizer(prompt))
        known.withLock {
            if $0.count >= limit { $0.removeAll() }
            $0[prompt] = features
        }
        return features
    }
}
