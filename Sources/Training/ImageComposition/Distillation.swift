import Checkpoints
import Diffusion
import Distributed
import Foundation
import Layers
import Models
import TensorCore

/// One adapter that learns to predict what a composition does (`DistillationLoss`), at noise levels even in log γ.
final class Distillation: @unchecked Sendable {
    private let loss: DistillationLoss
    private let problem: ImageCompositionProblem
    private let multipliers: [Double]
    private let configuration: DistillationConfiguration
    private let optimizer: AdamW
    /// x_0 of the product, `[samples, h, w, C]`.
    private let samples: Tensor
    private let timesteps: [Int]
    private(set) var updates = 0
    /// Mean square of the last update's difference in the noise under guidance.
    private(set) var meanSquare = Double.nan

    /// Noise levels to draw from.
    private static let levels = 256

    /// - Parameter merged: adapters whose weighted sum the adapter starts from, as nearly as its rank allows.
    init(
        _ problem: ImageCompositionProblem, multipliers: [Double], student: TextNetwork,
        merged: [LoRAAdapter?] = []
    ) throws {
        let configuration = problem.configuration.distillation
        loss = DistillationLoss(problem, student: student)
        let adapter = loss.adapter
        adapter.start(
            fromMerged: zip(merged, multipliers).compactMap { adapter, weight in
                adapter.map { (adapter: $0, weight: weight) }
            })
        (self.problem, self.multipliers, self.configuration) = (problem, multipliers, configuration)
        optimizer = AdamW(
            adapter.namedParameters,
            AdamW.Configuration(
                weightDecay: configuration.weightDecay, gradientClip: configuration.gradientClip))
        samples = try problem.samples(
            .product(multipliers), on: .distillation, count: configuration.samples)
        timesteps = problem.product.schedule.timestepsEvenInLogNoise(count: Self.levels)
    }

    var adapter: LoRAAdapter { loss.adapter }

    /// One descent step.
    func update() throws {
        let members = problem.product.members
        let batches = MicroBatches(
            samples: configuration.batch, size: problem.configuration.training.microBatch)
        let contributions = try members.communicator.failTogether(exitCode: exitCode(for:)) {
            try self.contributions(batches, members)
        }
        let total = try sum(contributions, over: members.communicator)
        optimizer.step(total.arrays, learningRate: learningRate)
        meanSquare = total.scalars[0]
        updates += 1
    }

    private func sum(
        _ contributions: [Contribution], over communicator: any Communicator
    ) throws -> Contribution {
        do {
            return try Contribution.sum(
                contributions, arrays: adapter.namedParameters.map { ($0.name, $0.parameter.shape) },
                scalars: 1, over: communicator)
        } catch let error as NonFiniteError {
            // All ranks learn of it alike.
            throw ImageCompositionError.diverged(updates: updates, what: error.description)
        }
    }

    /// The ranks of a sample group find the targets of so many micro-batches together, then each differentiates one.
    private func contributions(_ batches: MicroBatches, _ members: ImageMembers) throws -> [Contribution] {
        let layout = members.layout
        let rank = members.communicator.rank
        let group = layout.microBatches(of: rank, count: batches.count)
        guard layout.shards > 1 else {
            return try Parallel.map(group.count) { place in
                try self.gradient(self.lesson(batches.range(group.lowerBound + place)))
            }
        }
        var contributions: [Contribution] = []
        for first in stride(from: group.lowerBound, to: group.upperBound, by: layout.shards) {
            let round = first..<min(first + layout.shards, group.upperBound)
            let lessons = try round.map { try lesson(batches.range($0)) }
            let own = layout.shardIndex(of: rank)
            if own < lessons.count { contributions.append(gradient(lessons[own])) }
        }
        return contributions
    }

    private func gradient(_ lesson: DistillationLoss.Lesson) -> Contribution {
        loss.contribution(lesson, share: 1 / Double(configuration.batch))
    }

    private func lesson(_ range: Range<Int>) throws -> DistillationLoss.Lesson {
        let key = { (purpose: RandomPurpose) in
            purpose.key(seed: self.problem.configuration.seed, model: 2, step: self.updates)
        }
        let chosen = key(.data).integers(range, below: configuration.samples).map(Int.init)
        let levels = Tensor.uniform([range.count], key: key(.timestep), firstSample: range.lowerBound).doubles
        // One level from every share of the levels.
        let drawn = zip(range, levels).map { sample, uniform in
            let place = (Double(sample) + uniform) / Double(configuration.batch) * Double(timesteps.count)
            return Int32(timesteps[min(Int(place), timesteps.count - 1)])
        }
        let x0 = Tensor.concatenated(chosen.map { samples.slice($0..<$0 + 1) })
        let noise = Tensor.normal(x0.shape, key: key(.forwardNoise), firstSample: range.lowerBound)
        let product = problem.product
        let x = product.schedule.noised(x0, with: noise, at: .each(drawn))
        let texts = chosen.map { $0 % problem.prompts.count }
        return try product.lesson(multipliers, x, .each(drawn), texts)
    }

    private var learningRate: Double {
        configuration.learningRate
            * configuration.schedule.decay(at: Double(updates) / Double(configuration.steps))
    }
}

extension ImageTrainingConfiguration.RateSchedule {
    /// Factor on the learning rate at a share of the way.
    func decay(at progress: Double) -> Double {
        switch self {
        case .constant: 1
        case .linear: 1 - progress
        case .cosine: (1 + cos(.pi * progress)) / 2
        }
    }
}

extension Distillation: Resumable {
    func save(to tree: inout StateTree, at path: String) {
        tree.set(updates, at: "\(path)/updates")
        adapter.save(to: &tree, at: "\(path)/adapter")
        optimizer.save(to: &tree, at: "\(path)/optimizer")
    }

    func restore(from tree: StateTree, at path: String) throws {
        updates = try tree.count("\(path)/updates")
        try adapter.restore(from: tree, at: "\(path)/adapter")
        try optimizer.restore(from: tree, at: "\(path)/optimizer")
    }
}
