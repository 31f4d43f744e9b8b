extension ImageCompositionConfiguration: Keyed {
    static var blank: ImageCompositionConfiguration {
        ImageCompositionConfiguration(model: "", prompts: .list([]))
    }

    static var fields: [Field<ImageCompositionConfiguration>] {
        [
            .required("kind", \.kind, .word, "The problem: `product`."),
            .seed(\.seed),
            .base(\.model),
            .optional("dtype", \.dtype, .word, "Type that weights are held in; adapters are f32."),
            .optional(
                "adapters", \.adapters, Format.mapping.list(named: "list of adapters").optional,
                default: "none", "LoRA adapters of `model` as members, at least two."),
            .optional(
                "models", \.models, Format.mapping.list(named: "list of models").optional, default: "none",
                "Pipelines with the autoencoder and the noise schedule of `model` as members, at least two."),
        ]
            + Field.prompts(
                \.prompts,
                "Texts of the samples, in turn; without `adapters` and `models` the members: two concepts or more.",
                file: "File of texts of the samples, one a line.")
            + sections
    }

    private static var sections: [Field<ImageCompositionConfiguration>] {
        [
            .optional(
                "combine", \.combine, .word,
                "`score`: Σ λ_i ε_i, a pass for each member; `weight`: W + Σ λ_i ΔW_i, one pass (adapters only)."
            ),
            .optional(
                "sampling", \.sampling, .mapping(from: standardSampling),
                "DDIM sampling; 25 steps with eta 0 unless set otherwise."),
            .optional("divergence", \.divergence, .mapping, "How KL(p‖q_i) is measured."),
            .optional("training", \.training, .mapping, "The dual iterations."),
            .optional("dual", \.dual, .mapping, "The dual update, and when a run has converged."),
            .optional(
                "rewards", \.rewards, Format.mapping.list(named: "list of rewards"), default: "none",
                "What the result is measured by; nothing is trained on them."),
            .optional(
                "distillation", \.distillation, .mapping,
                "One adapter that predicts what the composition does."),
            .optional("evaluation", \.evaluation, .mapping, "Measurement at the end of a run."),
            .optional("ranks", \.ranks, .mapping, "How MPI ranks share the members."),
            .optional(
                "checkpoints", \.checkpoints, .mapping, "When checkpoints are written and which are kept."),
        ]
    }
}

extension MemberAdapterConfiguration: Keyed {
    static var blank: MemberAdapterConfiguration { MemberAdapterConfiguration(name: "", file: "") }

    static var fields: [Field<MemberAdapterConfiguration>] {
        [
            .required("name", \.name, .text("name"), "Name in logs, files and the summary."),
            .required("file", \.file, .file, "LoRA file; a relative path starts from the configuration."),
        ]
    }
}

extension MemberModelConfiguration: Keyed {
    static var blank: MemberModelConfiguration { MemberModelConfiguration(name: "", model: "") }

    static var fields: [Field<MemberModelConfiguration>] {
        [
            .required("name", \.name, .text("name"), "Name in logs, files and the summary."),
            .required("model", \.model, .file, "Diffusers directory."),
        ]
    }
}

extension ImageDivergenceConfiguration: Keyed {
    static var blank: ImageDivergenceConfiguration { ImageDivergenceConfiguration() }

    static var fields: [Field<ImageDivergenceConfiguration>] {
        [
            .optional(
                "guidance", \.guidance, Format.number("number ≥ 1") { $0 >= 1 }.optional,
                default: "that of `sampling`", "g of ε_p, and of ε_i where they are `guided`."),
            .optional(
                "noise", \.noise, Format<ImageDivergenceConfiguration.Noise>.word.optional,
                default: "`guided`; `unguided` for concepts",
                "What p is compared with: ε_∅ + g (ε_i − ε_∅), or ε_i alone."),
            .optional(
                "weights", \.weights, .word,
                "`exact` gives nats (Lemma 2); `uniform` is the mean square over elements, summed over `steps`."
            ),
            .optional(
                "steps", \.steps, .integer("integer ≥ 2", in: 2...Int(Int32.max)), unit: "noise levels",
                "Evenly spaced in log γ with `exact` weights, as the sampler's with `uniform` ones."),
            .optional(
                "stride", \.stride, .count, unit: "noise levels",
                "Each sample visits every so manieth level, which then counts as often: less work, more noise."
            ),
        ]
    }

    func check(at path: ConfigurationPath, _ reader: ConfigurationReader) {
        reader.require(stride < steps, at: path.key("stride"), with: [path.key("steps")]) {
            "\(stride) is not below \(path.key("steps")) = \(steps)"
        }
    }
}

extension CompositionTrainingConfiguration: Keyed {
    static var blank: CompositionTrainingConfiguration { CompositionTrainingConfiguration() }

    static var fields: [Field<CompositionTrainingConfiguration>] {
        [
            .optional(
                "steps", \.steps, .count, unit: "iterations",
                "Most dual iterations; `--steps N` is the same."),
            .optional(
                "samples", \.samples, .count, unit: "images",
                "Images of an iteration, over all ranks; a multiple of `micro_batch`."),
            .imagesAtOnce(\.microBatch),
            .optional(
                "draws", \.draws, .word,
                "`fresh` random numbers in every iteration, or the same (`common`) in all."),
        ]
    }

    func check(at path: ConfigurationPath, _ reader: ConfigurationReader) {
        reader.require(
            samples % microBatch == 0, at: path.key("samples"), with: [path.key("micro_batch")]
        ) { "\(samples) is no multiple of \(path.key("micro_batch")) = \(microBatch)" }
    }
}

extension CompositionRewardConfiguration: Keyed {
    static var blank: CompositionRewardConfiguration { CompositionRewardConfiguration(name: "", reward: "") }

    static var fields: [Field<CompositionRewardConfiguration>] {
        Field.imageReward(
            name: \.name, meaning: "Name in tables and files.", reward: \.reward, weights: \.weights) + [
                .optional(
                    "adapter", \.adapter, Format.text("name").optional, default: "none",
                    "The member trained on this reward alone: it is 100 where the base is 0.")
            ]
    }
}

extension DistillationConfiguration: Keyed {
    static var blank: DistillationConfiguration { DistillationConfiguration() }

    static var fields: [Field<DistillationConfiguration>] {
        [
            .optional("steps", \.steps, .natural, unit: "updates", "Updates of the adapter; 0 for none.")
        ] + Field.adapter(rank: \.rank, alpha: \.alpha, targets: \.targets) + [
            .optional(
                "samples", \.samples, .count, unit: "images",
                "Samples of the composition that are noised; a multiple of `training.micro_batch`."),
            .optional(
                "batch", \.batch, .count, unit: "images",
                "Noised samples of an update; a multiple of `training.micro_batch`."),
        ] + Field.learningRate(\.learningRate, schedule: \.schedule)
            + Field.adamW(weightDecay: \.weightDecay, gradientClip: \.gradientClip) + [
                .optional(
                    "memory", \.memory, .word,
                    "What is kept for the backward pass: all (`activations`), or the inputs of `layers`, which are "
                        + "then computed again. The result is the same.")
            ]
    }
}

extension CompositionEvaluationConfiguration: Keyed {
    static var blank: CompositionEvaluationConfiguration { CompositionEvaluationConfiguration() }

    static var fields: [Field<CompositionEvaluationConfiguration>] {
        [
            .optional(
                "samples", \.samples, .count, unit: "images",
                "Fresh images of every model that is compared; a multiple of `training.micro_batch`."),
            .optional(
                "pictures", \.pictures, .count, unit: "images",
                "The first of them that are shown, from the same latents in every row."),
        ]
    }
}

extension MemberRanksConfiguration: Keyed {
    static var blank: MemberRanksConfiguration { MemberRanksConfiguration() }

    static var fields: [Field<MemberRanksConfiguration>] {
        [
            .optional(
                "shards", \.shards, Format.count.optional, unit: "ranks",
                default:
                    "the largest divisor of the number of ranks that is at most the number of members; 1 for "
                    + "`combine: weight`",
                "Ranks that share the members of one sample group.")
        ]
    }
}
