import Checkpoints
import Foundation

/// What bad disks, power cuts and people do to files while no job runs.
enum Damage: String, CaseIterable {
    case bitFlip = "bit flip"
    case truncation
    case zeroedFile = "file of zeros"
    case deletedFile = "deleted file"
    case strangeLock = "strange lock file"
    case tornLogs = "torn logs"

    /// - Returns: false if there was nothing to damage.
    func strike(_ run: RunState, _ random: inout SplitMix) throws -> Bool {
        switch self {
        case .strangeLock:
            try overwrite("\(run.directory)/.lock", Data("{\"host\": \"elsewh".utf8))
            return true
        case .tornLogs:
            return try tearLogs(run.directory, &random)
        default:
            // Mostly the newest, sometimes more, seldom all.
            let checkpoints = run.wholeCheckpoints().reversed()
            let count = [1, 1, 1, 1, 2, 2, 99].randomElement(using: &random) ?? 1
            for checkpoint in checkpoints.prefix(count) {
                let names = try FileManager.default.contentsOfDirectory(atPath: checkpoint).sorted()
                guard let name = names.randomElement(using: &random) else { continue }
                try strike(file: "\(checkpoint)/\(name)", &random)
            }
            return !checkpoints.isEmpty
        }
    }

    private func strike(file: String, _ random: inout SplitMix) throws {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        switch self {
        case .bitFlip: bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case .truncation: bytes = bytes.prefix(Int.random(in: 0..<bytes.count, using: &random))
        case .zeroedFile: bytes = Data(count: bytes.count)
        default: return _ = unlink(file)
        }
        try overwrite(file, bytes)
    }

    /// Half a record at the end of a log, as after a power cut; what a checkpoint vouches for stays.
    private func tearLogs(_ directory: String, _ random: inout SplitMix) throws -> Bool {
        let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        let logs = names.filter { $0.hasPrefix("metrics.") || $0.hasPrefix("events.") }
        guard let log = logs.randomElement(using: &random) else { return false }
        let torn = [Data("{\"step\": 3, \"objec".utf8), Data("7,0.25".utf8), Data(count: 200), Data([0xff, 10])]
        let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(log)"))
        try overwrite("\(directory)/\(log)", bytes + (torn.randomElement(using: &random) ?? Data()))
        return true
    }

    private func overwrite(_ path: String, _ bytes: Data) throws {
        try bytes.write(to: URL(fileURLWithPath: path))
    }
}

/// The checkpoints of a run directory, by the program's own verification.
struct RunState {
    let directory: String

    /// Directories of checkpoints in the order they were written: those of the fit, then those of the iterations.
    func checkpoints() -> [String] {
        ["\(directory)/fit", directory].flatMap { place in
            let store = CheckpointStore(runDirectory: place)
            return ((try? store.steps()) ?? []).map(store.directory)
        }
    }

    func wholeCheckpoints() -> [String] { checkpoints().filter(RunState.isWhole) }

    static func isWhole(_ checkpoint: String) -> Bool {
        (try? CheckpointStore.verify(checkpoint).valid) ?? false
    }
}
