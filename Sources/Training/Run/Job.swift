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
    /// File for what the first step of a job on text-to-image models computes.
    public var trace: String?

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

/// Says how so many ranks would share a job and what it would take, and starts nothing.
public func planJob(_ request: RunRequest, ranks: Int) throws -> Int32 {
    let threads = threadsPerRank(localSize: ranks)
    Parallel.configure(threads: threads)
    switch try ProblemConfiguration(request) {
    case .vectors:
        print("the configuration is right: \(ranks) ranks of \(threads) threads, some 100 MiB each")
    case .imageAlignment(let configuration):
        print(try AlignmentPlan(configuration: configuration, ranks: ranks, threads: threads).text())
    case .imageProduct(let configuration):
        print(try CompositionPlan(configuration: configuration, ranks: ranks, threads: threads).text())
    }
    return 0
}

/// Runs a training job as this rank's part of it and returns the exit code of the process.
public func runJob(_ request: RunRequest) -> Int32 {
    // Before all else: a signal that comes while MPI starts must not end the process.
    let monitor = InterruptionMonitor(runDirectory: request.directory)
    return World.run(environment: ProcessInfo.processInfo.environment, exitCode: exitCode(for:)) {
        communicator in
        Parallel.configure(threads: threadsPerRank(localSize: communicator.localSize))
        let problem = try communicator.failTogether(exitCode: exitCode(for:)) {
            try ProblemConfiguration(request)
        }
        let session = try RunSession(
            communicator: communicator, directory: request.directory, job: problem.job,
            policy: request.resume.map(ResumePolicy.init(argument:)), monitor: monitor)
        try session.write("config.yaml", Data(problem.text.utf8))
        let code = try problem.run(in: session, trace: request.trace)
        try session.forgetInterruption()
        return code
    }
}

extension ProblemConfiguration {
    /// - Throws: `ConfigurationError` with all problems.
    fileprivate init(_ request: RunRequest) throws {
        try self.init(file: request.configuration, overrides: request.overrides, kinds: request.kinds)
    }

    /// Solves the problem and returns the exit code: 0, or 75 if it was interrupted.
    fileprivate func run(in session: RunSession, trace: String?) throws -> Int32 {
        switch self {
        case .imageAlignment(let configuration):
            return try ImageAlignmentRun(configuration, session, trace: trace).run()
        case .imageProduct(let configuration):
            return try ImageCompositionRun(configuration, session, trace: trace).run()
        case .vectors(let configuration):
            switch configuration.kind {
            case .product, .mixture: return try CompositionRun(configuration, session).run()
            case .alignment: return try AlignmentRun(configuration, session).run()
            case .pretraining: return try PretrainingRun(configuration, session).run()
            }
        }
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
