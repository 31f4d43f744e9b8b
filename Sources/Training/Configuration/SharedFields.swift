/// Keys that several configurations have.
extension Field where Owner: Keyed {
    static func seed(_ property: WritableKeyPath<Owner, UInt64>) -> Field {
        .optional(
            "seed", property, .integer("integer ≥ 0", in: 0...UInt64.max),
            "Key of all random numbers; equal seeds give equal runs on any number of ranks.")
    }

    static func base(_ property: WritableKeyPath<Owner, String>) -> Field {
        .required(
            "model", property, .file,
            "Diffusers directory of the base; a relative path starts from the directory of the configuration."
        )
    }

    /// `prompts` or `prompt_file`.
    static func prompts(
        _ property: WritableKeyPath<Owner, PromptSource>, _ meaning: String, file: String
    ) -> [Field] {
        [
            .alternative(
                "prompts", of: property, Format.text("prompt").list(named: "list of prompts"),
                embed: { .list($0) },
                extract: { if case .list(let prompts) = $0 { prompts } else { nil } }, meaning),
            .alternative(
                "prompt_file", of: property, .file, embed: { .file(path: $0) },
                extract: { if case .file(let path) = $0 { path } else { nil } }, file),
        ]
    }

    /// What images are measured by.
    static func imageReward(
        name: WritableKeyPath<Owner, String>, meaning: String, reward: WritableKeyPath<Owner, String>,
        weights: WritableKeyPath<Owner, String?>
    ) -> [Field] {
        [
            .required("name", name, .text("name"), meaning),
            .required(
                "reward", reward, .text("reward"), "Which reward (`docs/rewards.md`), as in `saturation-low`."
            ),
            .optional(
                "weights", weights, Format.file.optional, default: "none",
                "Files of a learned reward; a relative path starts from the directory of the configuration."),
        ]
    }

    /// Size and place of a new LoRA adapter.
    static func adapter(
        rank: WritableKeyPath<Owner, Int>, alpha: WritableKeyPath<Owner, Double?>,
        targets: WritableKeyPath<Owner, [String]>
    ) -> [Field] {
        [
            .optional("rank", rank, .count, "r."),
            .optional(
                "alpha", alpha, Format.positive.optional, default: "the rank",
                "α; the change of a layer is α/r · B A."),
            .optional(
                "targets", targets, Format.text("layer").list(named: "list of layers"),
                "Ends of the names of the layers that are adapted, as PEFT's `target_modules`."),
        ]
    }

    static func learningRate(
        _ property: WritableKeyPath<Owner, Double>,
        schedule: WritableKeyPath<Owner, ImageTrainingConfiguration.RateSchedule>
    ) -> [Field] {
        [
            .optional("learning_rate", property, .positive, "AdamW's step."),
            .optional(
                "schedule", schedule, .word,
                "How the learning rate falls: not at all, linearly to 0, or as half a cosine."),
        ]
    }

    static func adamW(
        weightDecay: WritableKeyPath<Owner, Double>, gradientClip: WritableKeyPath<Owner, Double>
    ) -> [Field] {
        [
            .optional("weight_decay", weightDecay, .nonnegative, "AdamW's decoupled decay."),
            .optional("gradient_clip", gradientClip, .positive, "Largest norm of the gradient."),
        ]
    }

    static func imagesAtOnce(_ property: WritableKeyPath<Owner, Int>) -> Field {
        .optional(
            "micro_batch", property, .count, unit: "images",
            "Images computed at once; never divided between ranks.")
    }
}
