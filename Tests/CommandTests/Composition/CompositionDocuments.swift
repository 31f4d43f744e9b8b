/// Configurations of compositions of text-to-image models with random weights.
enum CompositionDocuments {
    /// The compositions whose first iteration and dual path `Fixtures/replay.py` has replayed in PyTorch.
    static let replayed = [
        "score": """
        kind: product
        seed: 3
        model: model
        adapters:
          - {name: first, file: model/first.safetensors}
          - {name: second, file: model/second.safetensors}
          - {name: text, file: model/text.safetensors}
        prompts: ["a photo of a cat", "a dog"]
        sampling: {steps: 4, eta: 0.5, guidance: 3.0, negative_prompt: blurry, height: 16, width: 24}
        divergence: {steps: 5, guidance: 2.0}
        training: {samples: 4, micro_batch: 2, steps: 4, draws: common}
        dual: {rule: simplex, step: 0.002, decay: 0.9, average: 2}
        evaluation: {samples: 4, pictures: 2}
        """,
        "concepts": """
        kind: product
        seed: 4
        model: model
        prompts: ["a photo of a cat", "a dog", "oil painting"]
        sampling: {steps: 4, guidance: 3.0, height: 16, width: 16}
        divergence: {steps: 4, guidance: 9.0, weights: uniform}
        training: {samples: 4, micro_batch: 2, steps: 4, draws: common}
        dual: {rule: simplex, step: 0.5}
        evaluation: {samples: 4, pictures: 2}
        """,
    ]

    /// Every part of a run, on six micro-batches, which neither 4 ranks nor three members divide evenly.
    static let whole = """
        kind: product
        seed: 3
        model: model
        adapters:
          - {name: first, file: model/first.safetensors}
          - {name: second, file: model/second.safetensors}
          - {name: text, file: model/text.safetensors}
        prompts: ["a photo of a cat", "a dog"]
        sampling: {steps: 3, eta: 0.5, guidance: 3.0, height: 16, width: 24}
        divergence: {steps: 4}
        training: {samples: 6, micro_batch: 1, steps: 3}
        rewards:
          - {name: saturation, reward: saturation-high, adapter: first}
          - {name: contrast, reward: local-contrast-low}
        distillation: {steps: 3, batch: 4, samples: 4, learning_rate: 0.01}
        evaluation: {samples: 4, pictures: 3}
        checkpoints: {every: 1, keep: 8}
        """
}
