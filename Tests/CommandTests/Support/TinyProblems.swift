/// Problems that take a fraction of a second and pass through every part of a run of their kind.
enum TinyProblems {
    /// Fit of three networks, MCMC, denoising score matching, Lemma 2, evaluation.
    static let learnedProduct = Problem(
        kind: "product", dimension: 2, score: "learned", models: gaussians, settings: small)

    static let exactProduct = Problem(kind: "product", dimension: 2, models: gaussians, settings: small)

    /// Exact scores without a closed product: no fit, but chains and a network.
    static let productOfMixtures = Problem(
        kind: "product", dimension: 2, models: gaussians.dropLast() + [pair], settings: small)

    static let exactMixture = Problem(
        kind: "mixture", dimension: 2, models: gaussians.dropLast() + [pair],
        settings: small + ["constraint: elbo"])

    static let learnedMixture = Problem(
        kind: "mixture", dimension: 2, score: "learned", models: gaussians,
        settings: small + ["constraint: kl"])

    static let exactAlignment = Problem(
        kind: "alignment", dimension: 2, models: [pair], rewards: rewards, settings: small)

    static let learnedAlignment = Problem(
        kind: "alignment", dimension: 2, score: "learned", models: [pair], rewards: rewards, settings: small)

    static let pretraining = Problem(
        kind: "pretraining", dimension: 2, score: "learned", models: gaussians + [pair], settings: small)

    private static let gaussians = [
        Normal([-0.5, 0], [[0.3, 0], [0, 0.2]]).model("left"),
        Normal([0.5, 0], [[0.3, 0.1], [0.1, 0.2]]).model("right"),
        Normal([0, 0.5], variance: 0.2).model("upper"),
    ]

    private static let pair =
        "{name: pair, mixture: [{weight: 0.3, mean: [0.0, 0.6], covariance: [[0.1, 0.0], [0.0, 0.1]]}, "
        + "{weight: 0.7, mean: [0.4, -0.2], covariance: [[0.2, 0.05], [0.05, 0.1]]}]}"

    private static let rewards = [
        "{name: right, linear: [1.0, 0.0], threshold: 0.6}",
        "{name: upper, linear: [0.0, 1.0], threshold: 0.3, normalize: base}",
    ]

    /// Six micro-batches, which neither 4 ranks nor 3 networks divide evenly.
    private static let small = [
        "schedule: {train_steps: 20, beta_start: 0.005, beta_end: 0.6}",
        "sampling: {steps: 10}",
        "network: {hidden: 16, blocks: 1, embedding: 16}",
        "pretraining: {steps: 60, batch: 192, micro_batch: 32}",
        "training: {steps: 5, primal_steps: 2, batch: 192, micro_batch: 32}",
        "mcmc: {levels: 4, steps_per_level: 1, chains: 192}",
        "evaluation: {samples: 768, micro_batch: 128}",
        "checkpoints: {every: 2}",
    ]
}
