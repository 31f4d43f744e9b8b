import Checkpoints
import Distributed
import Foundation
import TensorCore

/// What a training command asks for.
public struct RunRequest: Sendable {
    /// Path of the YAML file.
    public var configuration: String
    /// `key=value` in the order given.
    public var overrides: [String]
    /// Run directory; nil for `runs/<name of the file>`.
    public var output: String?
    /// `latest`, `auto` or a directory; nil starts afresh.
    public var resume: String?
    /// The kinds of problem the command solves.
    public var kinds: Set<RunConfiguration.Kind>

    public init(
        configuration: String, overrides: [String], output: String?, resume: String?,
        kinds: Set<RunConfiguration.Kind>
    ) {
        self.configuration = configuration
        self.overrides = overrides
        self.output = output
        self.resume = resume
        self.kinds = kinds
    }

    var directory: String {
        output ?? "runs/" + URL(fileURLWithPath: configuration).deletingPathExtension().lastPathComponent
    }
}

/// Runs a training job as this rank's part of it and returns the exit code of the process.
public func runJob(_ request: RunRequest) -> Int32 {
    // Before all else: a signal that comes while MPI starts must not end the process.
    let monitor = InterruptionMonitor(runDirectory: request.directory)
    return World.run(environment: ProcessInfo.processInfo.environment, exitCode: exitCode(for:)) {
        communicator in
        Parallel.configure(threads: threadsPerRank(localSize: communicator.localSize))
        let configuration = try communicator.failTogether(exitCode: exitCode(for:)) {
            try RunConfiguration(
                file: request.configuration, overrides: request.overrides, kinds: request.kinds)
        }
        let session = try RunSession(
            communicator: communicator, directory: request.directory, configuration: configuration,
            policy: request.resume.map(ResumePolicy.init(argument:)), monitor: monitor)
        try session.write("config.yaml", Data(configuration.text.utf8))
        let code = try run(configuration, in: session)
        try session.forgetInterruption()
        return code
    }
}

/// Solves the problem and returns the exit code: 0, or 75 if it was interrupted.
private func run(_ configuration: RunConfiguration, in session: RunSession) throws -> Int32 {
    switch configuration.kind {
    case .product, .mixture: try CompositionRun(configuration, session).run()
    case .alignment: try AlignmentRun(configuration, session).run()
    case .pretraining: try PretrainingRun(configuration, session).run()
    }
}

/// Threads of a rank: what the environment says, else its share of the cores of a machine with `localSize` ranks.
func threadsPerRank(localSize: Int) -> Int {
    let environment = ProcessInfo.processInfo.environment
    for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"] {
        if let text = environment[name], let threads = Int(text), threads > 0 { return threads }
    }
    return max(1, ProcessInfo.processInfo.activeProcessorCount / localSize)
}
