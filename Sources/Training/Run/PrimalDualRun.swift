import Checkpoints
import Distributed
import Foundation
import Telemetry

/// The iterations of a run from start or checkpoint to the end or an interruption.
struct PrimalDualRun {
    let session: RunSession
    let names: [String]
    /// `divergence` or `reward`.
    let measure: String
    let dual: DualIterations

    /// Iterates until the dual side has finished.
    ///
    /// - Parameters:
    ///   - step: primal updates at the given multipliers, then their measurement.
    ///   - save: adds the primal state to a checkpoint.
    /// - Returns: false if the run was interrupted; its state is then saved.
    func iterate(
        step: ([Double]) throws -> DualMeasurement, save: @escaping (inout StateTree) -> Void
    ) throws -> Bool {
        let log = try session.communicator.failTogether(exitCode: exitCode(for:)) {
            session.isRoot
                ? try RunLog(
                    directory: session.directory, console: session.console, names: names, measure: measure,
                    iterations: dual.limit, resumedStep: session.resumed == nil ? nil : dual.iteration) : nil
        }
        var saved = session.resumed == nil ? -1 : dual.iteration
        let checkpoint = {
            guard saved != dual.iteration else { return }
            var tree = StateTree()
            dual.save(to: &tree, at: "dual")
            save(&tree)
            try log?.synchronize()
            try session.save(step: dual.iteration, tree)
            saved = dual.iteration
        }
        while !dual.isFinished {
            let multipliers = dual.multipliers
            let measured = try step(multipliers)
            dual.advance(measured)
            try session.communicator.failTogether(exitCode: exitCode(for:)) {
                try log?.write(entry(measured, multipliers), seconds: session.seconds)
            }
            let isInterrupted = try session.pendingInterruption()
            let every = session.configuration.checkpoints.every
            if isInterrupted || dual.isFinished || (every > 0 && dual.iteration % every == 0) {
                try checkpoint()
            }
            if isInterrupted {
                log?.finish([])
                try session.acknowledgeInterruption(step: dual.iteration)
                return false
            }
        }
        log?.finish([])
        return true
    }

    private func entry(_ measured: DualMeasurement, _ multipliers: [Double]) -> RunLog.Entry {
        RunLog.Entry(
            iteration: dual.iteration, objective: measured.objective, dualValue: measured.dualValue,
            measures: measured.measures, violations: measured.violations, multipliers: multipliers)
    }
}
