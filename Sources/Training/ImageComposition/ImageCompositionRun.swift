import Checkpoints
import ConstrainedLearning
import Diffusion
import Distributed
import Foundation
import Models
import Telemetry
import TensorCore

/// The product of text-to-image models (Algorithm 3), from configuration to `summary.json`.
final class ImageCompositionRun {
    let configuration: ImageCompositionConfiguration
    let session: RunSession
    let pipeline: TextToImagePipeline
    /// The texts of samples; the members themselves where those are concepts.
    let texts: [String]
    let problem: ImageCompositionProblem
    let rewards: CompositionRewards?

    /// On rank 0.
    private let sources: RunSources
    /// File for what the next iteration computes; nil for none.
    private let trace: String?

    init(
        _ configuration: ImageCompositionConfiguration, _ session: RunSession, trace: String? = nil
    ) throws {
        self.configuration = configuration
        self.trace = trace
        self.session = session
        let communicator = session.communicator
        let (pipeline, texts) = try communicator.failTogether(exitCode: exitCode(for:)) {
            (
                try TextToImagePipeline(directory: configuration.model, as: configuration.weightType),
                try configuration.prompts.texts()
            )
        }
        (self.pipeline, self.texts) = (pipeline, texts)
        sources = try communicator.failTogether(exitCode: exitCode(for:)) {
            try configuration.checkDistillation(of: pipeline)
            guard session.isRoot else { return RunSources() }
            let sources = try configuration.sources(texts: texts)
            if let tree = session.resumed { try sources.check(against: tree) }
            return sources
        }
        let members = try configuration.members(of: pipeline, texts: texts, communicator)
        (problem, rewards) = try communicator.failTogether(exitCode: exitCode(for:)) {
            (
                try ImageCompositionProblem(configuration, pipeline, members, texts: texts),
                try configuration.loadRewards(texts: texts, layout: members.layout, rank: communicator.rank)
            )
        }
    }

    /// - Returns: the exit code: 0, or 75 if it was interrupted.
    func run() throws -> Int32 {
        let given = pipeline.notes(on: Set(texts + problem.prompts).sorted())
        for note in given + notes { session.console.write("note: \(note)") }
        if let tree = session.resumed, tree["dual/iteration"] != nil {
            try problem.restore(from: tree, at: "primal")
        }
        if let trace { try writeTrace(to: trace) }
        guard let result = try iterate() else { return ExitStatus.requeue }
        do {
            try conclude(result)
            return 0
        } catch is Interruption {
            return ExitStatus.requeue
        }
    }

    /// The dual ascent; nil if it was interrupted.
    private func iterate() throws -> PrimalDualResult? {
        let loop = PrimalDualRun(
            session: session, constraints: configuration.memberNames.map { Constraint(name: $0) },
            domain: .simplex, measure: "divergence", limit: configuration.training.steps,
            primalStepsPerIteration: 0, dual: configuration.dual, defaultTolerance: defaultTolerance)
        let primal = PrimalSide {
            _ in
        } measurement: { [problem] in
            CompositionRun.measurement(try problem.divergences(multipliers: $0), $0)
        }
        return try loop.iterate(primal) { [problem, sources] in
            problem.save(to: &$0, at: "primal")
            sources.save(to: &$0)
        }
    }

    /// Weights set by hand converge to nothing that a residual could tell; else what some dozens of samples let one
    /// see of a difference between divergences.
    private var defaultTolerance: Double {
        configuration.dual.rule == .fixed ? .leastNormalMagnitude : 0.02
    }

    private var notes: [String] {
        let layout = problem.product.members.layout
        let surrogate =
            "KLs are Lemma 2 with the surrogate score: ε_p = Σ λ_i ε_i in place of the noised product's, which "
            + "nobody knows here"
        let weighted =
            "KLs are Lemma 2 with the prediction of the weights W + Σ λ_i ΔW_i, on samples of its own"
        let shared =
            "\(counted(layout.replicas, "sample group")) of \(counted(layout.shards, "rank")) for "
            + counted(layout.items, "member")
        return [configuration.combine == .score ? surrogate : weighted]
            + (layout.ranks > 1 ? [shared] : [])
            + (configuration.triviality.map { ["the answer is known beforehand: \($0)"] } ?? [])
    }
}

extension ImageCompositionConfiguration {
    /// What may not change while a run goes on.
    fileprivate func sources(texts: [String]) throws -> RunSources {
        var sources = RunSources()
        try sources.add(contentsOf: model, components: RunSources.pipelineComponents, for: "model")
        for (index, adapter) in (adapters ?? []).enumerated() {
            try sources.add(contentsOf: adapter.file, for: "adapters[\(index)].file")
        }
        for (index, member) in (models ?? []).enumerated() {
            try sources.add(
                contentsOf: member.model, components: RunSources.pipelineComponents,
                for: "models[\(index)].model")
        }
        sources.add(texts, for: "prompts")
        return sources
    }

    /// - Throws: `AdapterTargetError` where distillation would find no layer.
    fileprivate func checkDistillation(of pipeline: TextToImagePipeline) throws {
        guard distillation.steps > 0 else { return }
        try AdapterTargetError.check(distillation.targets, of: pipeline.unet, key: "distillation.targets")
    }
}
