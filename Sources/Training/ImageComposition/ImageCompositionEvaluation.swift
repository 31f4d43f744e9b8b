import Foundation
import Telemetry

/// `evaluation.json`: the composition beside what it is compared with, on the same latents.
struct ImageCompositionEvaluation: Codable, Sendable {
    static let fileName = "evaluation.json"
    static let tableName = "evaluation.csv"

    static let base = "base"
    static let equalWeights = "equal weights"
    static let constrained = "constrained"
    static let combinedPrompt = "combined prompt"
    static let distilled = "distilled"

    /// One model that samples were drawn from.
    struct Model: Codable, Sendable {
        /// One of the names above, or that of a member alone.
        let name: String
        /// λ, where it is a product.
        let multipliers: [Double]?
        let samples: Int
        /// KL to each member, in nats with exact weights.
        let divergences: [SampleMean]?
        /// The same of the samples of each prompt.
        let promptDivergences: [[SampleMean]]?
        /// Of each reward; the least over the concepts where it compares with them.
        let rewards: [SampleMean]
        /// Of each reward, compared with each concept; empty where it does not compare.
        let conceptRewards: [[SampleMean]]
        /// Of each reward: 0 is the base, 100 the adapter trained on it alone.
        var percentages: [Double?]

        enum CodingKeys: String, CodingKey {
            case name, multipliers, samples, divergences, rewards, percentages
            case promptDivergences = "prompt_divergences"
            case conceptRewards = "concept_rewards"
        }
    }

    /// How close the distilled adapter comes.
    struct Distillation: Codable, Sendable {
        let updates: Int
        /// KL(composition‖distilled).
        let divergence: SampleMean
        /// Over the largest KL of the composition to a member.
        let share: Double
    }

    /// Members.
    let names: [String]
    let prompts: [String]
    /// `nats`, or `mean square` where the weights are uniform.
    let unit: String
    let rewards: [String]
    var models: [Model]
    var distillation: Distillation?

    var constrained: Model? { models.first { $0.name == Self.constrained } }

    /// Puts rewards on the scale of 0 (the base) to 100 (the adapter trained on the reward alone).
    ///
    /// - Parameter adapters: of each reward, the member that was trained on it; nil where none was.
    mutating func scale(by adapters: [String?]) {
        let mean = { (models: [Model], name: String?, reward: Int) in
            name.flatMap { name in models.first { $0.name == name }?.rewards[reward].mean }
        }
        for index in models.indices {
            models[index].percentages = adapters.enumerated().map { reward, adapter in
                guard let base = mean(models, Self.base, reward), let best = mean(models, adapter, reward)
                else { return nil }
                return 100 * (models[index].rewards[reward].mean - base) / (best - base)
            }
        }
    }
}

extension ImageCompositionEvaluation.Model {
    /// - Parameters:
    ///   - samples: prompts of the samples in turn.
    ///   - probes: what the columns of rewards are.
    init(
        name: String, multipliers: [Double]?, _ measured: CompositionMeasurement, prompts: Int,
        probes: [CompositionRewards.Probe], rewards count: Int, hasDivergences: Bool
    ) {
        self.name = name
        self.multipliers = multipliers
        samples = measured.samples
        divergences = hasDivergences ? measured.divergences.map(SampleMean.init) : nil
        promptDivergences =
            hasDivergences
            ? (0..<min(prompts, samples)).map { prompt in
                measured.divergences.map { values in
                    SampleMean(stride(from: prompt, to: values.count, by: prompts).map { values[$0] })
                }
            } : nil
        let columns = (0..<count).map { reward in
            zip(probes, measured.rewards).filter { $0.0.reward == reward }
        }
        rewards = columns.map { probes in
            SampleMean(
                (probes.first?.1 ?? []).indices.map { sample in
                    probes.map { $0.1[sample] }.min() ?? .nan
                })
        }
        conceptRewards = columns.map { probes in
            probes.filter { $0.0.text != nil }.map { SampleMean($0.1) }
        }
        percentages = []
    }

    /// Standard deviation of the prompts' KLs to each member, the paper's error bars (Figure 6).
    var deviations: [Double]? {
        guard let promptDivergences, promptDivergences.count > 1 else { return nil }
        return promptDivergences[0].indices.map { member in
            let spread = SampleMean(promptDivergences.map { $0[member].mean })
            return (spread.error ?? 0) * Double(promptDivergences.count).squareRoot()
        }
    }
}

extension ImageCompositionEvaluation {
    /// What people read at the end of a run.
    func table(_ summary: Summary) -> String {
        let numbers = { (values: [Double]) in
            values.map { NumberText.significant($0, digits: 4) }.joined(separator: "  ")
        }
        var lines = [
            "status        \(summary.status) after \(summary.iterations) iterations, \(Int(summary.seconds)) s",
            "members       \(names.joined(separator: "  "))",
            "multipliers   \(numbers(summary.multipliers))",
        ]
        for model in models {
            guard let divergences = model.divergences else { continue }
            let means = divergences.map(\.mean)
            let cells = divergences.map { value in
                NumberText.significant(value.mean, digits: 4)
                    + (value.error.map { " ±\(NumberText.significant($0, digits: 2))" } ?? "")
            }
            lines.append(
                "KL, \(model.name): \(cells.joined(separator: "  "))   largest \(numbers([means.max() ?? 0]))"
            )
        }
        for (index, reward) in rewards.enumerated() {
            let values = models.filter { !$0.rewards.isEmpty }.map { model in
                let percent =
                    model.percentages[index].map { " (\(NumberText.significant($0, digits: 3)))" } ?? ""
                return "\(model.name) \(numbers([model.rewards[index].mean]))\(percent)"
            }
            lines.append("\(reward): \(values.joined(separator: ", "))")
        }
        if let distillation {
            lines.append(
                "distilled     KL(composition‖distilled) \(numbers([distillation.divergence.mean])), "
                    + String(format: "%.1f %% of the largest KL to a member", 100 * distillation.share))
        }
        return lines.joined(separator: "\n")
    }

    /// `evaluation.csv`: one number a line.
    var csv: String {
        var text = CSV.line(["model", "prompt", "quantity", "name", "mean", "standard_error"])
        func add(_ model: String, _ prompt: String, _ quantity: String, _ name: String, _ value: SampleMean) {
            text += CSV.line([
                model, prompt, quantity, name, NumberText.exact(value.mean),
                value.error.map(NumberText.exact) ?? "",
            ])
        }
        for model in models {
            for (name, value) in zip(names, model.divergences ?? []) {
                add(model.name, "", "divergence", name, value)
            }
            for (prompt, values) in zip(prompts, model.promptDivergences ?? []) where prompts.count > 1 {
                for (name, value) in zip(names, values) { add(model.name, prompt, "divergence", name, value) }
            }
            for (index, reward) in rewards.enumerated() where !model.rewards.isEmpty {
                add(model.name, "", "reward", reward, model.rewards[index])
                for (concept, value) in zip(names, model.conceptRewards[index]) {
                    add(model.name, concept, "reward", reward, value)
                }
                guard let percentage = model.percentages[index] else { continue }
                text += CSV.line([
                    model.name, "", "percentage", reward, NumberText.exact(percentage), "",
                ])
            }
        }
        return text
    }
}
