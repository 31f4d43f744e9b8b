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

    /// Which prompt each sample has: every prompt once, in random order, before any comes again.
    ///
    /// Rewards differ more between prompts than within one, so drawing with replacement would make violations
    /// much noisier.
    ///
    /// - Parameters:
    ///   - samples: counted from the first update on.
    ///   - key: of each round through the prompts.
    func shuffled(_ samples: Range<Int>, key: (_ round: Int) -> RandomKey) -> [Int] {
        let count = prompts.count
        let rounds = samples.lowerBound / count..<(samples.upperBound + count - 1) / count
        let orders = rounds.map { permutation(key($0)) }
        return samples.map { orders[$0 / count - rounds.lowerBound][$0 % count] }
    }

    private func permutation(_ key: RandomKey) -> [Int] {
        let draws = Tensor.uniform([prompts.count], key: key).floats
        return prompts.indices.sorted { (draws[$0], $0) < (draws[$1], $1) }
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
