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
    let job: JobDescription
    public let console: Console
    /// The state to resume from.
    let resumed: StateTree?
    /// On rank 0 only.
    private let storage: RunStorage?
    private let monitor: InterruptionMonitor
    private let started = ProcessInfo.processInfo.systemUptime
    private let secondsBefore: Double
    /// Seconds since boot at the last checkpoint, or at the start.
    private var lastSave = ProcessInfo.processInfo.systemUptime

    /// Opens the run directory on rank 0 and shares what is resumed.
    ///
    /// - Parameter policy: nil starts afresh, which an existing checkpoint forbids.
    init(
        communicator: any Communicator, directory: String, job: JobDescription,
        policy: ResumePolicy?, monitor: InterruptionMonitor
    ) throws {
        self.communicator = communicator
        self.directory = directory
        self.job = job
        self.monitor = monitor
        let isRoot = communicator.rank == 0
        let console =
            isRoot ? Console.standardError() : Console(isTerminal: false, width: 80, emit: { _ in })
        self.console = console
        let opened = try communicator.failTogether(exitCode: exitCode(for:)) {
            isRoot ? try Self.open(directory, job, policy, console) : nil
        }
        storage = opened?.storage
        secondsBefore = opened?.secondsBefore ?? 0
        let image = try communicator.broadcast(opened?.image ?? [], root: 0)
        resumed = image.isEmpty ? nil : try HDF5Image.decode(image)
    }

    var isRoot: Bool { communicator.rank == 0 }

    /// The share of this start's time that rank 0 has spent in collective calls, waits included; nil where nobody
    /// measures it.
    var communicationShare: Double? {
        (communicator as? WatchedCommunicator).map {
            $0.secondsInCalls / max(ProcessInfo.processInfo.systemUptime - started, 1e-9)
        }
    }

    /// Wall time of this and, on rank 0, all earlier starts.
    var seconds: Double { secondsBefore + ProcessInfo.processInfo.systemUptime - started }

    /// The interruption that any rank has noticed, agreed on by all.
    func pendingInterruption() throws -> Bool {
        try communicator.allReduce(monitor.pending() == nil ? Int64(0) : 1, .maximum) > 0
    }

    /// Whether the last checkpoint, or the start, is `interval` seconds ago by the clock of rank 0.
    func isSaveDue(every interval: Double) throws -> Bool {
        let isDue = isRoot && ProcessInfo.processInfo.systemUptime - lastSave >= interval
        return try communicator.allReduce(isDue ? Int64(1) : 0, .maximum) > 0
    }

    /// Writes a checkpoint on rank 0; the others learn whether it worked.
    ///
    /// - Parameter files: more files beside the state, by name.
    func save(
        step: Int, _ state: StateTree, files: [String: Data] = [:], in phase: RunStorage.Phase = .iterations
    ) throws {
        try communicator.failTogether(exitCode: exitCode(for:)) {
            let notices = try storage?.save(
                step: step, state, files: files, in: phase, seconds: seconds)
            for notice in notices ?? [] { console.write("\(notice)") }
        }
        lastSave = ProcessInfo.processInfo.systemUptime
    }

    /// Says that the run stops here and what continues it.
    func announceInterruption() {
        guard let storage else { return }
        console.write(
            "interrupted: \(storage.lastSaved) is written; the same command with --resume auto goes on from it"
        )
    }

    /// At the end, interrupted or not: a file `STOP` that came too late must not stop the next start.
    func forgetInterruption() throws {
        try communicator.failTogether(exitCode: exitCode(for:)) { if isRoot { try monitor.acknowledge() } }
    }

    /// Writes a file of the run directory on rank 0, whole or not at all.
    func write(_ name: String, _ data: Data) throws {
        try communicator.failTogether(exitCode: exitCode(for:)) { try storage?.write(name, data) }
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

    /// What rank 0 finds in the run directory; the image is the state to resume from, or empty.
    private static func open(
        _ directory: String, _ job: JobDescription, _ policy: ResumePolicy?, _ console: Console
    ) throws -> (storage: RunStorage, image: [UInt8], secondsBefore: Double) {
        let storage = try RunStorage(directory: directory, job: job)
        let resumption = try storage.resumption(policy)
        for notice in try storage.removeLeftovers() + resumption.notices { console.write("\(notice)") }
        var (image, seconds): ([UInt8], Double) = ([], 0)
        if let checkpoint = resumption.checkpoint {
            console.write("resuming from \(checkpoint.directory)")
            try job.checkContinues(checkpoint.configuration)
            var state = checkpoint.state
            seconds = RunStorage.seconds(at: checkpoint)
            let conclusion = try storage.conclusion(of: checkpoint)
            for notice in conclusion.notices { console.write("\(notice)") }
            if let conclusion = conclusion.checkpoint {
                console.write("and from \(conclusion.directory)")
                for path in conclusion.state.paths { state[path] = conclusion.state[path] }
                seconds = RunStorage.seconds(at: conclusion)
            }
            image = try HDF5Image.encode(state)
        }
        return (storage, image, seconds)
    }
}
