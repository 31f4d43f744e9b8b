import Layers
import TensorCore

/// Prompts with what the text encoder makes of them, each computed once.
struct PromptTable: Sendable {
    let prompts: [String]
    /// `[prompts, tokens, D]`.
    private let embeddings: Tensor
    /// Of the negative prompt, `[1, tokens, D]`.
    private let negative: Tensor

    /// - Parameter adapters: of the text encoder.
    init(
        _ prompts: [String], negative: String, _ pipeline: TextToImagePipeline, adapters: AdapterPass = .base
    ) {
        self.prompts = prompts
        embeddings = withoutRecording { pipeline.embeddings(of: prompts, adapters: adapters) }
        self.negative = withoutRecording { pipeline.embeddings(of: [negative], adapters: adapters) }
    }

    /// Which prompt each sample has, drawn at random.
    func choice(of samples: Range<Int>, key: RandomKey) -> [Int] {
        key.integers(samples, below: prompts.count).map(Int.init)
    }

    /// Which prompt each sample has, in turn.
    func turn(of samples: Range<Int>) -> [Int] { samples.map { $0 % prompts.count } }

    func texts(_ choice: [Int]) -> [String] { choice.map { prompts[$0] } }

    /// `[N, tokens, D]`.
    func conditional(_ choice: [Int]) -> Tensor {
        Tensor.concatenated(choice.map { embeddings.slice($0..<$0 + 1) })
    }

    /// The negative prompt's for so many samples, `[N, tokens, D]`.
    func unconditional(_ count: Int) -> Tensor {
        Tensor.concatenated(Array(repeating: negative, count: count))
    }
}
