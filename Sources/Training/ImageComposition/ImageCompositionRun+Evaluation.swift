import Diffusion
import Distributed
import Foundation
import Layers
import Telemetry
import TensorCore

extension ImageCompositionRun {
    /// One model of the evaluation.
    private struct Subject {
        let name: String
        let model: ComposedModel
        var multipliers: [Double]?
        /// Whether there are KLs to the members.
        var hasDivergences = true
        /// Whether it is measured on all samples, or drawn for its pictures alone.
        var isMeasured = true
        /// One more network to compare it with.
        var other: TextNetwork?
    }

    /// Everything that is compared, from the same latents: numbers on all ranks, pictures on rank 0.
    ///
    /// - Parameter distilled: the adapter that was trained on the composition.
    func evaluation(
        _ multipliers: [Double], distilled: LoRAAdapter? = nil
    ) throws -> (record: ImageCompositionEvaluation, rows: [(name: String, pictures: [PNGImage])]) {
        var record = ImageCompositionEvaluation(
            names: configuration.memberNames, prompts: problem.prompts,
            unit: configuration.divergence.weights == .exact ? "nats" : "mean square",
            rewards: configuration.rewards.map(\.name), models: [])
        var rows: [(name: String, pictures: [PNGImage])] = []
        for subject in subjects(multipliers, distilled) {
            let measured = try measured(subject)
            rows.append((subject.name, measured.pictures))
            if subject.other != nil { record.distillation = distillation(measured) }
            guard subject.isMeasured else { continue }
            record.models.append(
                ImageCompositionEvaluation.Model(
                    name: subject.name, multipliers: subject.multipliers, measured,
                    prompts: problem.prompts.count, probes: rewards?.probes ?? [],
                    rewards: configuration.rewards.count, hasDivergences: subject.hasDivergences))
        }
        record.scale(by: configuration.rewards.map(\.adapter))
        return (record, rows)
    }

    private func measured(_ subject: Subject) throws -> CompositionMeasurement {
        let evaluation = configuration.evaluation
        let size = configuration.training.microBatch
        let samples = subject.isMeasured ? evaluation.samples : (evaluation.pictures + size - 1) / size * size
        let layout = problem.product.members.layout
        let own = layout.microBatches(of: session.communicator.rank, count: samples / size)
        let bar = SharedProgress(
            label: "measuring \(subject.name)", total: own.count, console: session.console)
        defer { bar.finish() }
        return try problem.measure(
            subject.model, on: .evaluation, samples: samples, rewards: subject.isMeasured ? rewards : nil,
            other: subject.other, pictures: evaluation.pictures,
            hasDivergences: subject.hasDivergences && subject.isMeasured
        ) { bar.advance() }
    }

    private func subjects(_ multipliers: [Double], _ distilled: LoRAAdapter?) -> [Subject] {
        let m = configuration.memberNames.count
        let equal = Array(repeating: 1 / Double(m), count: m)
        let student = distilled.map(studentNetwork)
        var constrained = Subject(
            name: ImageCompositionEvaluation.constrained, model: .product(multipliers),
            multipliers: multipliers)
        constrained.other = student
        let composed = [
            Subject(
                name: ImageCompositionEvaluation.equalWeights, model: .product(equal), multipliers: equal),
            constrained,
        ]
        let last = student.map {
            [Subject(name: ImageCompositionEvaluation.distilled, model: .network($0))]
        }
        return alone + composed + (last ?? [])
    }

    /// The base, or the combined prompt, and every member alone.
    private var alone: [Subject] {
        let base = pipeline.network(for: problem.prompts, negative: configuration.sampling.negativePrompt)
        let trained = Set(configuration.rewards.compactMap(\.adapter))
        let members = configuration.memberNames.enumerated().map { index, name in
            let own = (0..<configuration.memberNames.count).map { $0 == index ? 1.0 : 0 }
            return Subject(
                name: name, model: .product(own), hasDivergences: false, isMeasured: trained.contains(name))
        }
        if configuration.hasConcepts {
            return members
                + [Subject(name: ImageCompositionEvaluation.combinedPrompt, model: .network(base))]
        }
        guard configuration.adapters != nil else { return members }
        return [
            Subject(
                name: ImageCompositionEvaluation.base, model: .network(base), hasDivergences: false,
                isMeasured: rewards != nil)
        ] + members
    }

    /// The base under an adapter, for the texts of samples.
    func studentNetwork(_ adapter: LoRAAdapter) -> TextNetwork {
        var network = pipeline.network(
            for: problem.prompts, negative: configuration.sampling.negativePrompt)
        network.adapters = .adapter(adapter)
        return network
    }

    private func distillation(_ measured: CompositionMeasurement) -> ImageCompositionEvaluation.Distillation {
        let divergence = SampleMean(measured.other)
        let largest = measured.divergences.map { SampleMean($0).mean }.max() ?? 0
        return ImageCompositionEvaluation.Distillation(
            updates: configuration.distillation.steps, divergence: divergence,
            share: divergence.mean / largest)
    }
}
