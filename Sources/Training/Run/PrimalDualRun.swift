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
    /// Most dual iterations.
    let limit: Int
    let primalStepsPerIteration: Int
    let dual: DualConfiguration
    let defaultTolerance: Double
    /// Names of the measurements' `extras`.
    var extras: [String] = []

    /// Iterates until the dual side has finished.
    ///
    /// - Parameters:
    ///   - observe: called after each iteration, on all ranks.
    ///   - files: what lies beside the state in a checkpoint, by name; asked on rank 0.
    ///   - save: adds the primal state to a checkpoint.
    /// - Returns: nil if the run was interrupted; its state is then saved.
    func iterate(
        _ primal: PrimalSide, observe: @escaping (Int, RunLog?) throws -> Void = { _, _ in },
        files: @escaping () throws -> [String: Data] = { [:] },
        save: @escaping (inout StateTree) -> Void
    ) throws -> PrimalDualResult? {
        var loop = try PrimalDualLoop(
            problem: primal, constraints: constraints, rule: dual.makeRule(domain),
            options: options, start: dual.initial, resuming: try resumedState())
        var saved = -1
        let log = try openLog(at: loop.state.iteration)
        let checkpoint = { (state: LoopState) in
            try self.checkpoint(state, log, files, save)
            saved = state.iteration
        }
        var isInterrupted = false
        let every = session.job.checkpoints.every
        let result = try loop.run { iteration, state in
            try session.communicator.failTogether(exitCode: exitCode(for:)) {
                try log?.write(entry(iteration, primal.latest), seconds: session.seconds)
            }
            try observe(iteration.index, log)
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

    private func checkpoint(
        _ state: LoopState, _ log: RunLog?, _ files: () throws -> [String: Data],
        _ save: (inout StateTree) -> Void
    ) throws {
        var tree = StateTree()
        for (name, values) in state.flat { tree.set(values, at: "dual/\(name)") }
        save(&tree)
        let extra = try session.communicator.failTogether(exitCode: exitCode(for:)) {
            try log?.synchronize()
            return session.isRoot ? try files() : [:]
        }
        try session.save(step: state.iteration, tree, files: extra)
    }

    private var options: PrimalDualLoop<PrimalSide>.Options {
        var options = PrimalDualLoop<PrimalSide>.Options()
        options.primalStepsPerIteration = primalStepsPerIteration
        options.iterationLimit = limit
        options.tolerance = dual.tolerance ?? defaultTolerance
        options.tail = TailAverage(minimum: dual.window)
        options.averagedIterates = dual.average
        return options
    }

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
                measure: measure, extras: extras, iterations: limit,
                resumedStep: iteration > 0 ? iteration : nil)
        }
    }

    private func entry(_ iteration: Iteration, _ measured: DualMeasurement?) -> RunLog.Entry {
        RunLog.Entry(
            iteration: iteration.index, objective: measured?.objective ?? .nan,
            dualValue: measured?.dualValue ?? .nan, measures: measured?.measures ?? [],
            violations: measured?.violations ?? [], multipliers: iteration.multipliers,
            extras: measured?.extras ?? [])
    }
}

extension RunConfiguration {
    /// What sampling noise lets one see within some dozens of iterations.
    var defaultTolerance: Double {
        guard rewards.allSatisfy(\.function.isLinear) else { return 1e-2 }
        return score == .analytic ? 1e-3 : 5e-3
    }
}
