import Checkpoints
import ConstrainedLearning
import Foundation
import Layers
import Telemetry

extension ImageCompositionRun {
    /// Trains the adapter at the settled multipliers, from where a checkpoint left it; nil where none is asked for.
    ///
    /// - Throws: `Interruption` if the run was asked to stop; its state is then saved.
    func distill(
        _ result: PrimalDualResult, _ progress: inout CompositionConclusion
    ) throws -> Distillation? {
        let steps = configuration.distillation.steps
        guard steps > 0 else { return nil }
        let merged = try session.communicator.failTogether(exitCode: exitCode(for:)) {
            try (configuration.adapters ?? []).map {
                try PipelineAdapter(path: $0.file, for: pipeline).unet
            }
        }
        let distillation = try Distillation(
            problem, multipliers: result.multipliers, student: problem.student, merged: merged)
        if progress.isContinued, let tree = session.resumed, tree["distillation/updates"] != nil {
            try checkSettings(of: tree)
            try distillation.restore(from: tree, at: "distillation")
        }
        let first = distillation.updates
        let bar = SharedProgress(label: "distilling", total: steps - first, console: session.console)
        defer { bar.finish() }
        var losses: [Double] = []
        for _ in first..<max(steps, first) {
            try distillation.update()
            progress.steps += 1
            losses.append(distillation.meanSquare)
            bar.advance()
            let now = progress
            try session.stopIfAsked { try save(now, distillation) }
            if try session.isSaveDue(every: saveInterval) { try save(now, distillation) }
        }
        if first < steps {
            try save(progress, distillation)
            let tail = losses.suffix(max(1, losses.count / 10))
            session.console.write(
                "distilled: mean square difference \(number(tail.reduce(0, +) / Double(tail.count))) at the end, "
                    + "\(number(losses[0])) at the start")
        }
        return distillation
    }

    /// Writes a checkpoint of what follows the dual iterations.
    func save(_ progress: CompositionConclusion, _ distillation: Distillation?) throws {
        var tree = StateTree()
        progress.save(to: &tree)
        if let distillation {
            tree["distillation/settings"] = .text(configuration.distillation.settings)
            distillation.save(to: &tree, at: "distillation")
        }
        let files = try session.communicator.failTogether(exitCode: exitCode(for:)) {
            guard session.isRoot, let adapter = distillation?.adapter else { return [String: Data]() }
            return [LoRAAdapter.fileName: try adapter.file(for: pipeline)]
        }
        try session.save(
            step: progress.steps, tree, files: files, in: .conclusion(iterations: progress.iterations))
    }

    var saveInterval: Double {
        let seconds = configuration.checkpoints.fitSeconds
        return seconds > 0 ? seconds : .infinity
    }

    private func checkSettings(of tree: StateTree) throws {
        guard try tree.text("distillation/settings") != configuration.distillation.settings else { return }
        throw ImageCompositionError.distillationChanged(directory: session.directory)
    }
}

extension DistillationConfiguration {
    /// As text, to compare with that of a checkpoint.
    fileprivate var settings: String { Format<Self>.mapping.write(self).flow }
}
