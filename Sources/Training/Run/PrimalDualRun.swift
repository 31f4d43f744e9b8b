import Checkpoints
import ConstrainedLearning
import Foundation

/// The iterations of a run from start or checkpoint to the end or an interruption.
struct PrimalDualRun {
    let session: RunSession
    let constraints: [Constraint]
    let domain: MultiplierDomain
    /// `divergence` or `reward`.
    let measure: String
    /// Most dual iterations where the configuration does not say.
    let defaultLimit: Int
    let primalStepsPerIteration: Int

    /// Iterates until the dual side has finished.
    ///
    /// - Parameter save: adds the primal state to a checkpoint.
    /// - Returns: nil if the run was interrupted; its state is then saved.
    func iterate(_ primal: PrimalSide, save: @escaping (inout StateTree) -> Void) throws -> PrimalDualResult?
    {
        let configuration = session.configuration
        var loop = try PrimalDualLoop(
            problem: primal, constraints: constraints, rule: configuration.dual.makeRule(domain),
            options: options, start: configuration.dual.initial, resuming: try resumedState())
        var saved = -1
        let log = try openLog(at: loop.state.iteration)
        let checkpoint = { (state: LoopState) in
            var tree = StateTree()
            for (name, values) in state.flat { tree.set(values, at: "dual/\(name)") }
            save(&tree)
            try session.communicator.failTogether(exitCode: exitCode(for:)) { try log?.synchronize() }
            try session.save(step: state.iteration, tree)
            saved = state.iteration
        }
        var isInterrupted = false
        let every = configuration.checkpoints.every
        let result = try loop.run { iteration, state in
            try session.communicator.failTogether(exitCode: exitCode(for:)) {
                try log?.write(entry(iteration, primal.latest), seconds: session.seconds)
            }
            isInterrupted = try session.pendingInterruption()
            if isInterrupted || (every > 0 && state.iteration % every == 0) { try checkpoint(state) }
            return isInterrupted ? .stop : .proceed
        }
        log?.finish([])
        if isInterrupted {
            session.announceInterruption()
            return nil
        }
        if saved != loop.state.iteration { try checkpoint(loop.state) }
        if let explanation = result.explanation {
            session.console.write("\(result.status.rawValue): \(explanation)")
        }
        return result
    }

    private var options: PrimalDualLoop<PrimalSide>.Options {
        let dual = session.configuration.dual
        var options = PrimalDualLoop<PrimalSide>.Options()
        options.primalStepsPerIteration = primalStepsPerIteration
        options.iterationLimit = limit
        options.tolerance = dual.tolerance ?? session.configuration.defaultTolerance
        options.tail = TailAverage(minimum: dual.window)
        return options
    }

    private var limit: Int { session.configuration.training.steps ?? defaultLimit }

    private func resumedState() throws -> LoopState? {
        guard let tree = session.resumed?.subtree("dual"), tree.count > 0 else { return nil }
        var flat: [String: [Double]] = [:]
        for path in tree.paths { flat[path] = try tree.doubles(path) }
        return try LoopState(flat: flat)
    }

    private func openLog(at iteration: Int) throws -> RunLog? {
        try session.communicator.failTogether(exitCode: exitCode(for:)) {
            guard session.isRoot else { return nil }
            return try RunLog(
                directory: session.directory, console: session.console, names: constraints.map(\.name),
                measure: measure, iterations: limit, resumedStep: iteration > 0 ? iteration : nil)
        }
    }

    private func entry(_ iteration: Iteration, _ measured: DualMeasurement?) -> RunLog.Entry {
        RunLog.Entry(
            iteration: iteration.index, objective: measured?.objective ?? .nan,
            dualValue: measured?.dualValue ?? .nan, measures: measured?.measures ?? [],
            violations: measured?.violations ?? [], multipliers: iteration.multipliers)
    }
}

extension RunConfiguration {
    /// What sampling noise lets one see within some dozens of iterations.
    fileprivate var defaultTolerance: Double {
        guard rewards.allSatisfy(\.function.isLinear) else { return 1e-2 }
        return score == .analytic ? 1e-3 : 5e-3
    }
}
