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
    guard case .images(let configuration, _) = try Problem(request) else {
        print("the configuration is right: \(ranks) ranks of \(threads) threads, some 100 MiB each")
        return 0
    }
    print(try AlignmentPlan(configuration: configuration, ranks: ranks, threads: threads).text())
    return 0
}

/// Runs a training job as this rank's part of it and returns the exit code of the process.
public func runJob(_ request: RunRequest) -> Int32 {
    // Before all else: a signal that comes while MPI starts must not end the process.
    let monitor = InterruptionMonitor(runDirectory: request.directory)
    return World.run(environment: ProcessInfo.processInfo.environment, exitCode: exitCode(for:)) {
        communicator in
        Parallel.configure(threads: threadsPerRank(localSize: communicator.localSize))
        let problem = try communicator.failTogether(exitCode: exitCode(for:)) { try Problem(request) }
        let session = try RunSession(
            communicator: communicator, directory: request.directory, job: problem.job,
            policy: request.resume.map(ResumePolicy.init(argument:)), monitor: monitor)
        try session.write("config.yaml", Data(problem.job.text.utf8))
        let code = try problem.run(in: session)
        try session.forgetInterruption()
        return code
    }
}

/// What a configuration file asks to be solved.
private enum Problem {
    case vectors(RunConfiguration)
    case images(ImageAlignmentConfiguration, trace: String?)
    case imageProduct(ImageCompositionConfiguration, trace: String?)

    /// - Throws: `ConfigurationError` with all problems.
    init(_ request: RunRequest) throws {
        let source = try ConfigurationSource(file: request.configuration)
        if request.kinds.contains(.alignment), try source.describesImages() {
            self = .images(try source.read(overrides: request.overrides), trace: request.trace)
        } else if request.kinds.contains(.product), try source.describesImages() {
            self = .imageProduct(try source.read(overrides: request.overrides), trace: request.trace)
        } else {
            self = .vectors(
                try RunConfiguration(source, request.overrides, request.kinds, sampleFiles: .required))
        }
    }

    var job: JobDescription {
        switch self {
        case .vectors(let configuration): JobDescription(configuration)
        case .images(let configuration, _): JobDescription(configuration)
        case .imageProduct(let configuration, _): JobDescription(configuration)
        }
    }

    /// Solves the problem and returns the exit code: 0, or 75 if it was interrupted.
    func run(in session: RunSession) throws -> Int32 {
        switch self {
        case .images(let configuration, let trace):
            return try ImageAlignmentRun(configuration, session, trace: trace).run()
        case .imageProduct(let configuration, let trace):
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
