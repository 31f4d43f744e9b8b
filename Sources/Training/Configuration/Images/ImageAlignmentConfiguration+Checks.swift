import Foundation
import Rewards

extension ImageAlignmentConfiguration {
    func check(at path: ConfigurationPath, _ reader: ConfigurationReader) {
        checkPrompts(reader)
        checkRewards(reader)
        checkSteps(reader)
        checkDual(reader)
        for (samples, place) in [
            (evaluation.samples, "evaluation.samples"),
            (evaluation.heldOutSamples, "evaluation.held_out_samples"),
        ] as [(Int, ConfigurationPath)] {
            reader.require(
                samples % training.microBatch == 0, at: place, with: ["training.micro_batch"]
            ) { "\(samples) is no multiple of training.micro_batch = \(training.microBatch)" }
        }
    }

    private func checkPrompts(_ reader: ConfigurationReader) {
        if case .list(let prompts) = prompts {
            reader.require(!prompts.isEmpty, at: "prompts") { "is empty; give at least one prompt" }
        }
        reader.require(evaluation.heldOut?.isEmpty != true, at: "evaluation.held_out") {
            "is empty; give at least one prompt, or leave the key out"
        }
    }

    private func checkRewards(_ reader: ConfigurationReader) {
        reader.require(!rewards.isEmpty, at: "rewards") {
            "alignment needs at least one; add e.g. "
                + "`- {name: saturation, reward: saturation-low, threshold: 0.5, normalize: base}`"
        }
        reader.require(rewards.count <= RunConfiguration.mostConstraints, at: "rewards") {
            "\(rewards.count) are more constraints than sense; at most \(RunConfiguration.mostConstraints)"
        }
        reader.requireDistinctNames(rewards.map(\.name), at: "rewards")
        for (index, reward) in rewards.enumerated() {
            let place = ConfigurationPath("rewards")[index]
            guard reader.isRead(place.key("reward")) else { continue }
            do {
                try ImageRewards.entry(named: reward.reward).check(weights: reward.weights)
            } catch {
                reader.report("\(error)", at: place.key("reward"))
            }
        }
    }

    private func checkSteps(_ reader: ConfigurationReader) {
        reader.require(
            objective.weights == .uniform || sampling.eta > 0, at: "sampling.eta",
            with: ["objective.weights"]
        ) {
            "exact KL weights need more than 0: the KL of a deterministic chain is infinite; raise it, or set "
                + "objective.weights: uniform"
        }
        let truncation = training.truncation
        reader.require(
            truncation.kind != .fixed || truncation.step < sampling.steps, at: "training.truncation.step",
            with: ["sampling.steps"]
        ) {
            "\(truncation.step) is not below sampling.steps = \(sampling.steps); nothing would be differentiated"
        }
        reader.require(
            truncation.kind != .gaussian || sampling.steps > 1, at: "training.truncation.kind",
            with: ["sampling.steps"]
        ) { "`gaussian` needs sampling.steps above 1; use `fixed` with step 0" }
    }

    private func checkDual(_ reader: ConfigurationReader) {
        reader.require(dual.rule != .simplex, at: "dual.rule") {
            "`simplex` is for compositions; use `ascent`, `ema`, `nupi` or `fixed`"
        }
        if let initial = dual.initial {
            reader.require(initial.count == rewards.count, at: "dual.initial", with: ["rewards"]) {
                "has \(initial.count) numbers, expected one for each of the \(rewards.count) rewards"
            }
        }
        reader.require(dual.rule != .fixed || dual.initial != nil, at: "dual.initial") {
            "is missing: `rule: fixed` needs the weights that stay"
        }
    }
}

extension ImageAlignmentConfiguration: JobConfiguration {
    static var changeable: Set<ConfigurationPath> {
        [
            "training.steps", "training.memory", "training.memory_budget", "checkpoints", "evaluation",
            "dual.tolerance",
            "dual.window", "ranks", "statistics", "model",
        ]
    }

    func checkFiles(_ reader: ConfigurationReader) {
        var files: [(ConfigurationPath, String?)] = [
            ("model", model), ("adapter.initial", adapter.initial),
        ]
        if case .file(let path) = prompts { files.append(("prompt_file", path)) }
        for (index, reward) in rewards.enumerated() {
            files.append((ConfigurationPath("rewards")[index].key("weights"), reward.weights))
        }
        reader.requireReadable(files)
    }
}
