import Checkpoints
import ConstrainedLearning
import Foundation
import Layers
import Telemetry

extension ImageCompositionRun {
    /// Trains the adapter at the settled multipliers, from where a checkpoint left it.
    ///
    /// - Returns: the adapter, nil where none is asked for; no value if the run was interrupted and its state saved.
    func distill(_ result: PrimalDualResult) throws -> LoRAAdapter?? {
        let steps = configuration.distillation.steps
        guard steps > 0 else { return .some(nil) }
        let merged = try session.communicator.failTogether(exitCode: exitCode(for:)) {
            try (configuration.adapters ?? []).map {
                try PipelineAdapter(path: $0.file, for: pipeline).unet
            }
        }
        let distillation = try Distillation(
            problem, multipliers: result.multipliers, student: problem.student, merged: merged)
        if let tree = session.resumed, tree["distillation/updates"] != nil {
            try distillation.restore(from: tree, at: "distillation")
        }
        let first = distillation.updates
        let bar = SharedProgress(label: "distilling", total: steps - first, console: session.console)
        var losses: [Double] = []
        for _ in first..<max(steps, first) {
            try distillation.update()
            losses.append(distillation.meanSquare)
            bar.advance()
            if try session.pendingInterruption() {
                try save(distillation, result)
                session.announceInterruption()
                return nil
            }
            if try session.isSaveDue(every: saveInterval) { try save(distillation, result) }
        }
        bar.finish()
        if first < steps {
            try save(distillation, result)
            let tail = losses.suffix(max(1, losses.count / 10))
            session.console.write(
                "distilled: mean square difference \(number(tail.reduce(0, +) / Double(tail.count))) at the end, "
                    + "\(number(losses[0])) at the start")
        }
        return .some(distillation.adapter)
    }

    /// A whole run's state: that of the dual iterations, which no longer changes, and the adapter's.
    private func save(_ distillation: Distillation, _ result: PrimalDualResult) throws {
        var tree = StateTree()
        result.save(to: &tree, at: "dual")
        problem.save(to: &tree, at: "primal")
        distillation.save(to: &tree, at: "distillation")
        let files = try session.communicator.failTogether(exitCode: exitCode(for:)) {
            session.isRoot ? [LoRAAdapter.fileName: try distillation.adapter.file(for: pipeline)] : [:]
        }
        try session.save(step: result.iterations + distillation.updates, tree, files: files)
    }

    private var saveInterval: Double {
        let seconds = configuration.checkpoints.fitSeconds
        return seconds > 0 ? seconds : .infinity
    }

    /// The result of the dual iterations, where a checkpoint is of the distillation after them.
    func settledResult() throws -> PrimalDualResult? {
        guard let tree = session.resumed, tree["distillation/updates"] != nil else { return nil }
        let result = try PrimalDualResult(from: tree, at: "dual")
        if result.status == .iterationLimit, configuration.training.steps > result.iterations {
            session.console.write(
                "note: distillation has begun, so the multipliers stay; for more dual iterations go on from "
                    + "checkpoint-\(result.iterations)")
        }
        return result
    }
}

extension PrimalDualResult {
    fileprivate func save(to tree: inout StateTree, at path: String) {
        tree["\(path)/status"] = .text(status.rawValue)
        tree.set(iterations, at: "\(path)/iteration")
        tree.set(multipliers, at: "\(path)/multipliers")
        tree.set(lastMultipliers, at: "\(path)/last_multipliers")
        tree.set(violations, at: "\(path)/violations")
    }

    fileprivate init(from tree: StateTree, at path: String) throws {
        self.init(
            status: RunStatus(rawValue: try tree.text("\(path)/status")) ?? .iterationLimit,
            iterations: try tree.count("\(path)/iteration"),
            multipliers: try tree.doubles("\(path)/multipliers"),
            lastMultipliers: try tree.doubles("\(path)/last_multipliers"),
            violations: try tree.doubles("\(path)/violations"))
    }
}
