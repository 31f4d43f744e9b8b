import Diffusion
import Layers
import Models
import TensorCore

/// ‖ε_θ − Σ λ_i ε_i‖² at noised samples of a product: of the noise under guidance, without text and with it.
///
/// Where noise levels are even in log γ, the first of the three is KL(product‖ε_θ) by Lemma 2.
struct DistillationLoss: @unchecked Sendable {
    /// θ.
    let adapter: LoRAAdapter
    private let product: ImageProduct
    /// For the texts of samples, without the adapter.
    private let student: TextNetwork
    private let isSegmented: Bool

    /// With a new adapter, which changes nothing yet.
    init(_ problem: ImageCompositionProblem, student: TextNetwork) {
        let configuration = problem.configuration.distillation
        adapter = LoRAAdapter(
            adapting: problem.pipeline.unet, targets: configuration.targets, rank: configuration.rank,
            alpha: configuration.alpha,
            key: RandomPurpose.initialization.key(seed: problem.configuration.seed))
        product = problem.product
        self.student = student
        isSegmented = configuration.memory == .layers
    }

    /// Noised samples, and what is to be predicted there.
    struct Lesson {
        let x: Tensor
        let timesteps: Timesteps
        let texts: [Int]
        /// Σ λ_i ε_i.
        let targets: (unconditional: Tensor, conditional: Tensor)
    }

    /// The gradient of the loss over the samples, each with weight `share`, and the mean square of the difference under
    /// guidance.
    func contribution(_ lesson: Lesson, share: Double) -> Contribution {
        let network = GuidedNetwork(
            unet: student.unet, unconditional: student.prompts.unconditional(lesson.texts.count),
            conditional: student.embeddings(lesson.texts), guidance: 1, adapters: .adapter(adapter),
            isSegmented: isSegmented)
        let noise = { (output: Tensor) in
            product.schedule.noise(
                output, from: lesson.x, at: lesson.timesteps, as: product.prediction.type)
        }
        let (unconditional, conditional) = network.outputs(lesson.x, lesson.timesteps)
        let differences = (
            unconditional: noise(unconditional) - noise(lesson.targets.unconditional),
            conditional: noise(conditional) - noise(lesson.targets.conditional)
        )
        let guided = guidedNoise(
            unconditional: differences.unconditional, conditional: differences.conditional,
            guidance: product.divergenceGuidance)
        let squares = guided.squaredNorms()
        let loss =
            squares + differences.unconditional.squaredNorms() + differences.conditional.squaredNorms()
        let slopes = gradients(of: [(loss, Tensor.ones(loss.shape) * share)])
        let elements = Double(guided.elementCount / guided.shape[0])
        return Contribution(
            arrays: adapter.parameters.map { slopes[$0.value] ?? .zeros($0.shape) },
            scalars: [squares.doubles.reduce(0, +) * share / elements])
    }
}

extension ImageProduct {
    /// What is to be predicted at x_t.
    func lesson(
        _ multipliers: [Double], _ x: Tensor, _ timesteps: Timesteps, _ texts: [Int]
    ) throws -> DistillationLoss.Lesson {
        DistillationLoss.Lesson(
            x: x, timesteps: timesteps, texts: texts,
            targets: try targets(multipliers, x, timesteps, texts))
    }
}
