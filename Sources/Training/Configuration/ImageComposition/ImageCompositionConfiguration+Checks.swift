import Rewards

extension ImageCompositionConfiguration {
    func check(at path: ConfigurationPath, _ reader: ConfigurationReader) {
        checkMembers(reader)
        checkRewards(reader)
        checkDual(reader)
        let size = training.microBatch
        var samples: [(Int, ConfigurationPath)] = [(evaluation.samples, "evaluation.samples")]
        for (count, place) in samples + [(training.samples, "training.samples")] {
            reader.require(count % divergence.stride == 0, at: place, with: ["divergence.stride"]) {
                "\(count) is no multiple of divergence.stride = \(divergence.stride), so that noise levels would not "
                    + "count alike"
            }
        }
        if distillation.steps > 0 {
            samples += [
                (distillation.samples, "distillation.samples"), (distillation.batch, "distillation.batch"),
            ]
        }
        for (count, place) in samples {
            reader.require(count % size == 0, at: place, with: ["training.micro_batch"]) {
                "\(count) is no multiple of training.micro_batch = \(size)"
            }
        }
        reader.require(
            evaluation.pictures <= evaluation.samples, at: "evaluation.pictures", with: ["evaluation.samples"]
        ) { "\(evaluation.pictures) is more than evaluation.samples = \(evaluation.samples)" }
    }

    private func checkMembers(_ reader: ConfigurationReader) {
        reader.require(adapters == nil || models == nil, at: "models", with: ["adapters"]) {
            "members are adapters or models, not both; remove one list"
        }
        let lists: [(ConfigurationPath, [String]?)] = [
            ("adapters", adapters?.map(\.name)), ("models", models?.map(\.name)),
        ]
        for (list, names) in lists {
            guard let names, reader.isRead(list) else { continue }
            checkCount(names.count, at: list, reader)
            reader.requireDistinctNames(names, at: list)
            for (index, name) in names.enumerated() {
                let fileName = String(name.map { $0 == " " ? "-" : $0 })
                reader.require(!takenNames.contains(fileName), at: list[index].key("name")) {
                    "`\(name)` is what tables call another model; use another name"
                }
            }
        }
        if hasConcepts { checkConcepts(reader) } else { checkTexts(reader) }
        reader.require(combine == .score || adapters != nil, at: "combine") {
            "`weight` adds up adapters; give `adapters`, or use `score`"
        }
        reader.require(combine == .score || ranks.shards ?? 1 == 1, at: "ranks.shards", with: ["combine"]) {
            "\(ranks.shards ?? 1) does not go with `combine: weight`, which needs all adapters on every rank; remove it"
        }
    }

    private func checkCount(_ count: Int, at list: ConfigurationPath, _ reader: ConfigurationReader) {
        reader.require((2...RunConfiguration.mostConstraints).contains(count), at: list) {
            "a composition takes from 2 to \(RunConfiguration.mostConstraints) members, found \(count)"
        }
    }

    private func checkTexts(_ reader: ConfigurationReader) {
        guard case .list(let prompts) = prompts else { return }
        reader.require(!prompts.isEmpty, at: "prompts") { "is empty; give at least one prompt" }
    }

    private func checkConcepts(_ reader: ConfigurationReader) {
        // Members whose list could not be read are no concepts.
        guard reader.isRead("adapters"), reader.isRead("models") else { return }
        guard case .list(let concepts) = prompts else {
            reader.report(
                "without `adapters` and `models` the members are the prompts themselves; list them as `prompts`",
                at: "prompt_file")
            return
        }
        guard reader.isRead("prompts") else { return }
        checkCount(concepts.count, at: "prompts", reader)
        for (index, concept) in concepts.enumerated() {
            reader.require(
                concept.contains { !$0.isWhitespace }, at: ConfigurationPath("prompts")[index]
            ) { "is empty; a concept is a text" }
            guard let first = concepts.firstIndex(of: concept), first < index else { continue }
            reader.report(
                "\"\(concept)\" is prompts[\(first)] too; concepts must differ",
                at: ConfigurationPath("prompts")[index])
        }
    }

    private func checkRewards(_ reader: ConfigurationReader) {
        reader.requireDistinctNames(rewards.map(\.name), at: "rewards")
        for (index, reward) in rewards.enumerated() {
            let place = ConfigurationPath("rewards")[index]
            guard reader.isRead(place.key("reward")) else { continue }
            do {
                try ImageRewards.entry(named: reward.reward).check(weights: reward.weights)
            } catch {
                reader.report("\(error)", at: place.key("reward"))
            }
            guard let adapter = reward.adapter else { continue }
            let names = adapters?.map(\.name) ?? []
            reader.require(names.contains(adapter), at: place.key("adapter"), with: ["adapters"]) {
                let hint = nearestMatch(to: adapter, among: names).map { "; did you mean `\($0)`?" }
                return "there is no adapter `\(adapter)`" + (hint ?? "")
            }
        }
    }

    private func checkDual(_ reader: ConfigurationReader) {
        reader.require(dual.rule != .fixed || dual.initial != nil, at: "dual.initial") {
            "is missing: `rule: fixed` needs the weights that stay"
        }
        guard let initial = dual.initial else { return }
        let count = memberNames.count
        let isFit = reader.require(initial.count == count, at: "dual.initial") {
            "has \(initial.count) numbers, expected one for each of the \(count) members"
        }
        guard isFit else { return }
        let sum = initial.reduce(0, +)
        reader.require(abs(sum - 1) <= 1e-6, at: "dual.initial") {
            "sums to \(sum); the multipliers of a composition are weights that sum to 1"
        }
    }
}

extension ImageCompositionConfiguration: JobConfiguration {
    static var changeable: Set<ConfigurationPath> {
        [
            "training.steps", "checkpoints", "evaluation", "dual.tolerance", "dual.window", "dual.average",
            "distillation", "ranks", "rewards", "model",
        ]
    }

    func checkFiles(_ reader: ConfigurationReader) {
        var files: [(ConfigurationPath, String?)] = [("model", model)]
        if case .file(let path) = prompts { files.append(("prompt_file", path)) }
        for (index, adapter) in (adapters ?? []).enumerated() {
            files.append((ConfigurationPath("adapters")[index].key("file"), adapter.file))
        }
        for (index, member) in (models ?? []).enumerated() {
            files.append((ConfigurationPath("models")[index].key("model"), member.model))
        }
        for (index, reward) in rewards.enumerated() {
            files.append((ConfigurationPath("rewards")[index].key("weights"), reward.weights))
        }
        reader.requireReadable(files)
    }
}
