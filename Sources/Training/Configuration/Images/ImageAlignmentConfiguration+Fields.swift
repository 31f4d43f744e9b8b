extension ImageAlignmentConfiguration: Keyed {
    static var blank: ImageAlignmentConfiguration {
        ImageAlignmentConfiguration(model: "", prompts: .list([]), rewards: [])
    }

    static var fields: [Field<ImageAlignmentConfiguration>] {
        [
            .required("kind", \.kind, .word, "The problem: `alignment`."),
            .seed(\.seed),
            .base(\.model),
            .optional(
                "dtype", \.dtype, .word, "Type that the base's weights are held in; the adapter is f32."),
        ] + Field.prompts(\.prompts, "Training prompts.", file: "File of training prompts, one a line.")
            + sections
    }

    private static var sections: [Field<ImageAlignmentConfiguration>] {
        [
            .required(
                "rewards", \.rewards, Format.mapping.list(named: "list of rewards"),
                "The constraints, at least one."),
            .optional("adapter", \.adapter, .mapping, "The LoRA adapter that is trained."),
            .optional("sampling", \.sampling, .mapping, "DDIM sampling."),
            .optional("training", \.training, .mapping, "Primal updates of the adapter."),
            .optional("objective", \.objective, .mapping, "The divergence k · KL that is kept small."),
            .optional(
                "dual", \.dual, .mapping(from: standardDual),
                "The dual update, and when a run has converged; `ascent` with step 0.05 unless set otherwise."
            ),
            .optional(
                "statistics", \.statistics, .mapping,
                "The base model's rewards, for thresholds with `normalize: base`."),
            .optional("evaluation", \.evaluation, .mapping, "Measurement at the end of a run."),
            .optional("ranks", \.ranks, .mapping, "How MPI ranks share the work."),
            .optional(
                "checkpoints", \.checkpoints, .mapping, "When checkpoints are written and which are kept."),
        ]
    }
}

extension ImageRewardConfiguration: Keyed {
    static var blank: ImageRewardConfiguration {
        ImageRewardConfiguration(name: "", reward: "", threshold: 0)
    }

    static var fields: [Field<ImageRewardConfiguration>] {
        Field.imageReward(
            name: \.name, meaning: "Name in logs, files and the summary.", reward: \.reward,
            weights: \.weights) + [
                .required(
                    "threshold", \.threshold, .number(), unit: "of the reward; σ with `normalize: base`",
                    "b of the constraint E r ≥ b."),
                .optional(
                    "normalize", \.normalize, .word,
                    "`base`: the threshold is for (r − μ)/σ with the base model's mean and deviation."),
            ]
    }
}

extension AdapterConfiguration: Keyed {
    static var blank: AdapterConfiguration { AdapterConfiguration() }

    static var fields: [Field<AdapterConfiguration>] {
        Field.adapter(rank: \.rank, alpha: \.alpha, targets: \.targets) + [
            .optional(
                "initial", \.initial, Format.file.optional, default: "none",
                "An adapter file to start from; rank, alpha and layers are then the file's.")
        ]
    }
}

extension ImageSamplingConfiguration: Keyed {
    static var blank: ImageSamplingConfiguration { ImageSamplingConfiguration() }

    static var fields: [Field<ImageSamplingConfiguration>] {
        let size = Format.count.optional
        return [
            .optional("steps", \.steps, .count, unit: "steps", "DDIM steps, T."),
            .optional(
                "eta", \.eta, .number("number from 0 to 1") { $0 >= 0 && $0 <= 1 },
                "Noise of a step: 0 is deterministic, 1 is DDPM; exact KL weights need more than 0."),
            .optional(
                "guidance", \.guidance, .number("number ≥ 1") { $0 >= 1 },
                "g of classifier-free guidance; 1 is without."),
            .optional("negative_prompt", \.negativePrompt, .text(), "What ε_∅ is conditioned on."),
            .optional(
                "height", \.height, size, unit: "pixels", default: "the model's", "Height of the images."),
            .optional(
                "width", \.width, size, unit: "pixels", default: "the model's", "Width of the images."),
        ]
    }
}

extension ImageTrainingConfiguration: Keyed {
    static var blank: ImageTrainingConfiguration { ImageTrainingConfiguration() }

    static var fields: [Field<ImageTrainingConfiguration>] {
        [
            .optional(
                "steps", \.steps, .count, unit: "iterations",
                "Most dual iterations; `--steps N` is the same."),
            .optional(
                "primal_steps", \.primalSteps, .count, unit: "updates",
                "Primal updates in a dual iteration."),
            .optional(
                "settling", \.settling, .natural, unit: "updates",
                "Updates at the end, at the average multipliers and a learning rate that falls to 0."),
            .optional(
                "batch", \.batch, .count, unit: "images",
                "Images of an update, over all ranks; a multiple of `micro_batch`."),
            .imagesAtOnce(\.microBatch),
        ] + Field.learningRate(\.learningRate, schedule: \.schedule) + [
            .optional(
                "warmup", \.warmup, .natural, unit: "updates", "Updates over which the learning rate grows.")
        ] + Field.adamW(weightDecay: \.weightDecay, gradientClip: \.gradientClip) + [
            .optional(
                "truncation", \.truncation, .mapping,
                "From which step K on the chain is differentiated; K is drawn for every update."),
            .optional(
                "memory", \.memory, .word,
                "What is kept of a differentiated step for the backward pass: all of it, its input, or its "
                    + "input and then those of the layers; `auto` is the first that fits. The result is the same."
            ),
            .optional(
                "memory_budget", \.memoryBudget, Format.positive.optional, unit: "GiB",
                default: "its share of what is free", "What a rank may take in all."),
        ]
    }

    func check(at path: ConfigurationPath, _ reader: ConfigurationReader) {
        reader.require(batch % microBatch == 0, at: path.key("batch"), with: [path.key("micro_batch")]) {
            "\(batch) is no multiple of \(path.key("micro_batch")) = \(microBatch)"
        }
    }
}

extension TruncationConfiguration: Keyed {
    static var blank: TruncationConfiguration { TruncationConfiguration() }

    static var fields: [Field<TruncationConfiguration>] {
        [
            .optional(
                "kind", \.kind, .word,
                "`gaussian`: K normal, redrawn until 1 ≤ K < T; `uniform`: 0 ≤ K < T; `fixed`."),
            .optional(
                "mean", \.mean, .number("number from 0 to 1") { $0 >= 0 && $0 <= 1 }, unit: "of T",
                "Mean of `gaussian`."),
            .optional(
                "deviation", \.deviation, .positive, unit: "steps", "Standard deviation of `gaussian`."),
            .optional("step", \.step, .natural, "K of `fixed`; 0 differentiates all steps."),
        ]
    }
}

extension ObjectiveConfiguration: Keyed {
    static var blank: ObjectiveConfiguration { ObjectiveConfiguration() }

    static var fields: [Field<ObjectiveConfiguration>] {
        [
            .optional(
                "kl_coefficient", \.klCoefficient, .positive,
                "k of the objective k · KL; reported multipliers are λ/k."),
            .optional(
                "weights", \.weights, .word,
                "Weights of the steps: `exact` gives nats; `uniform` is the mean square over elements."),
            .optional(
                "gradient", \.gradient, .word,
                "`fixed_states`: through ε at fixed x_t; `through_states`: through x_t too, in both models."),
        ]
    }
}

extension StatisticsConfiguration: Keyed {
    static var blank: StatisticsConfiguration { StatisticsConfiguration() }

    static var fields: [Field<StatisticsConfiguration>] {
        [
            .optional("batches", \.batches, .count, "Batches of `training.batch` images to measure on."),
            .optional(
                "file", \.file, Format.file.optional, default: "none",
                "Statistics to use; where the file is not there, they are measured and written to it."),
        ]
    }
}

extension ImageEvaluationConfiguration: Keyed {
    static var blank: ImageEvaluationConfiguration { ImageEvaluationConfiguration() }

    static var fields: [Field<ImageEvaluationConfiguration>] {
        [
            .optional("samples", \.samples, .count, unit: "images", "Fresh images of training prompts."),
            .optional(
                "held_out", \.heldOut, Format.text("prompt").list(named: "list of prompts").optional,
                default: "none", "Prompts that are not trained on."),
            .optional(
                "held_out_samples", \.heldOutSamples, .count, unit: "images", "Fresh images of those."),
            .optional(
                "pictures", \.pictures, .count, unit: "images",
                "Pictures of the grid, before and after from the same latents."),
            .optional(
                "preview_every", \.previewEvery, .natural, unit: "iterations",
                "Iterations between pictures in TensorBoard; 0 for none."),
        ]
    }
}
