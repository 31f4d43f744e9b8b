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
    /// - Parameters:
    ///   - distilled: the adapter that was trained on the composition.
    ///   - progress: what has been measured.
    ///   - save: writes a checkpoint of it.
    /// - Throws: `Interruption` if the run was asked to stop; what has been measured is then saved.
    func evaluation(
        _ multipliers: [Double], distilled: LoRAAdapter?, _ progress: inout CompositionConclusion,
        save: (CompositionConclusion) throws -> Void
    ) throws -> (record: ImageCompositionEvaluation, rows: [(name: String, pictures: [PNGImage])]) {
        var record = ImageCompositionEvaluation(
            names: configuration.memberNames, prompts: problem.prompts,
            unit: configuration.divergence.weights == .exact ? "nats" : "mean square",
            rewards: configuration.rewards.map(\.name), models: [])
        var rows: [(name: String, pictures: [PNGImage])] = []
        for (place, subject) in subjects(multipliers, distilled).enumerated() {
            let measured = try measured(subject, at: place, &progress, save: save)
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

    /// Measures a model in parts, between which the run can stop and after which it can go on.
    private func measured(
        _ subject: Subject, at place: Int, _ progress: inout CompositionConclusion,
        save: (CompositionConclusion) throws -> Void
    ) throws -> CompositionMeasurement {
        let evaluation = configuration.evaluation
        let size = configuration.training.microBatch
        let samples = subject.isMeasured ? evaluation.samples : (evaluation.pictures + size - 1) / size * size
        let remaining = progress.remaining(ofModel: place, samples: samples)
        let layout = problem.product.members.layout
        let own = layout.microBatches(of: session.communicator.rank, count: remaining.count / size)
        let bar = SharedProgress(
            label: "measuring \(subject.name)", total: own.count, console: session.console)
        defer { bar.finish() }
        let part = configuration.training.samples
        for first in stride(from: remaining.lowerBound, to: samples, by: part) {
            let measured = try problem.measure(
                subject.model, on: .evaluation, first..<min(first + part, samples),
                rewards: subject.isMeasured ? rewards : nil, other: subject.other,
                pictures: evaluation.pictures,
                hasDivergences: subject.hasDivergences && subject.isMeasured
            ) { bar.advance() }
            progress.add(measured, ofModel: place)
            let now = progress
            try session.stopIfAsked { try save(now) }
            if try session.isSaveDue(every: saveInterval) { try save(now) }
        }
        guard let measured = progress.measurements[place] else {
            throw TrainingError.notStarted("the measurement of \(subject.name)")
        }
        return measured
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
