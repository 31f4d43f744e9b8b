import Checkpoints
import Distributed
import Foundation
import Telemetry
import TensorCore
import WeightFiles

/// One start of a run, as one rank sees it: where it writes, what it resumes from, when it must stop.
///
/// Rank 0 owns the run directory (lock, checkpoints, metrics); what it reads it hands to the others, so that all
/// ranks start from the same bytes whatever their file systems show.
public final class RunSession {
    public let communicator: any Communicator
    public let directory: String
    let configuration: RunConfiguration
    public let console: Console
    /// The state to resume from.
    let resumed: StateTree?
    private let owner: Owner?
    private let monitor: InterruptionMonitor
    private let started = ProcessInfo.processInfo.systemUptime
    private let secondsBefore: Double

    /// What only rank 0 has.
    struct Owner {
        let store: CheckpointStore
        let lock: RunLock
        let rotation: RotationRule
    }

    /// Opens the run directory on rank 0 and shares what is resumed.
    ///
    /// - Parameter policy: nil starts afresh, which an existing checkpoint forbids.
    public init(
        communicator: any Communicator, directory: String, configuration: RunConfiguration,
        policy: ResumePolicy?
    ) throws {
        self.communicator = communicator
        self.directory = directory
        self.configuration = configuration
        let isRoot = communicator.rank == 0
        let console =
            isRoot ? Console.standardError() : Console(isTerminal: false, width: 80, emit: { _ in })
        self.console = console
        let opened = try communicator.failTogether(exitCode: exitCode(for:)) {
            isRoot ? try Self.open(directory, configuration, policy, console) : nil
        }
        owner = opened?.owner
        let image = try communicator.broadcast(opened?.image ?? [], root: 0)
        resumed = image.isEmpty ? nil : try HDF5Image.decode(image)
        secondsBefore = try resumed?.real("run/seconds") ?? 0
        monitor = InterruptionMonitor(runDirectory: directory)
    }

    var isRoot: Bool { communicator.rank == 0 }

    /// Wall time of this and all earlier starts.
    var seconds: Double { secondsBefore + ProcessInfo.processInfo.systemUptime - started }

    /// The interruption that any rank has noticed, agreed on by all.
    func pendingInterruption() throws -> Bool {
        try communicator.allReduce(monitor.pending() == nil ? Int64(0) : 1, .maximum) > 0
    }

    /// Writes a checkpoint on rank 0; the others learn whether it worked.
    func save(step: Int, _ state: StateTree, files: [String: Data] = [:]) throws {
        try communicator.failTogether(exitCode: exitCode(for:)) {
            guard let owner else { return }
            var state = state
            state["run/seconds"] = .real(seconds)
            let report = try owner.store.save(
                CheckpointContent(
                    step: step, state: state, configuration: configuration.text, extraFiles: files,
                    saddleVersion: saddleVersion),
                holding: owner.lock, keeping: owner.rotation)
            for notice in report.notices { console.write("\(notice)") }
        }
    }

    /// Says that the run stops here and what continues it; the request that asked for it is answered.
    func acknowledgeInterruption(step: Int) throws {
        guard isRoot else { return }
        try monitor.acknowledge()
        console.write(
            "interrupted: checkpoint-\(step) is written; the same command with --resume auto goes on from it")
    }

    /// Writes a file of the run directory on rank 0, whole or not at all.
    func write(_ name: String, _ data: Data) throws {
        try communicator.failTogether(exitCode: exitCode(for:)) {
            guard isRoot else { return }
            try data.write(to: URL(fileURLWithPath: directory).appendingPathComponent(name), options: .atomic)
        }
    }

    /// Writes tensors into a safetensors file of the run directory on rank 0.
    func writeTensors(_ name: String, _ tensors: [String: Tensor]) throws {
        try communicator.failTogether(exitCode: exitCode(for:)) {
            if isRoot { try SafetensorsFile.write(tensors, to: "\(directory)/\(name)") }
        }
    }

    /// Writes the trained model, `model.safetensors` unless named otherwise, on rank 0.
    func writeModel(_ model: VectorModel, named name: String = "model") throws {
        try communicator.failTogether(exitCode: exitCode(for:)) {
            if isRoot { try model.write(to: "\(directory)/\(name).safetensors") }
        }
    }

    private static func open(
        _ directory: String, _ configuration: RunConfiguration, _ policy: ResumePolicy?, _ console: Console
    ) throws -> (owner: Owner, image: [UInt8]) {
        let lock = try RunLock(runDirectory: directory)
        let store = CheckpointStore(runDirectory: directory)
        for notice in try store.removeLeftovers(holding: lock) { console.write("\(notice)") }
        var image: [UInt8] = []
        if let policy {
            let resumption = try store.resumption(policy)
            for notice in resumption.notices { console.write("\(notice)") }
            if let checkpoint = resumption.checkpoint {
                console.write("resuming from \(checkpoint.directory)")
                try configuration.checkContinues(checkpoint.configuration)
                image = try HDF5Image.encode(checkpoint.state)
            }
        } else if let last = try store.steps().last {
            throw RunError.directoryInUse(directory: directory, step: last)
        }
        let rotation = RotationRule(
            keepLatest: configuration.checkpoints.keep,
            permanentEvery: configuration.checkpoints.permanentEvery > 0
                ? configuration.checkpoints.permanentEvery : nil)
        return (Owner(store: store, lock: lock, rotation: rotation), image)
    }
}

/// Mistakes about run directories.
public enum RunError: ExitCoded, CustomStringConvertible {
    case directoryInUse(directory: String, step: Int)

    public var exitCode: Int32 { ExitStatus.cannotCreate }

    public var description: String {
        switch self {
        case .directoryInUse(let directory, let step):
            "\(directory) already holds checkpoint-\(step); continue it with --resume latest, or choose another "
                + "--output"
        }
    }
}
