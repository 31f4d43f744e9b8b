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

    /// - Returns: what was damaged; nil if there was nothing.
    func strike(_ directory: String, _ random: inout SplitMix) throws -> String? {
        guard FileManager.default.fileExists(atPath: directory) else { return nil }
        let struck =
            switch self {
            case .strangeLock: try strangeLock(directory)
            case .tornLogs: try tearLog(directory, &random)
            default: try damageCheckpoints(directory, &random)
            }
        return struck.isEmpty ? nil : "\(rawValue) \(struck.joined(separator: " "))"
    }

    private func strangeLock(_ directory: String) throws -> [String] {
        try overwrite("\(directory)/\(RunLock.fileName)", Data("{\"host\": \"elsewh".utf8))
        return [RunLock.fileName]
    }

    /// Half a record at the end of a log, as after a power cut; what a checkpoint vouches for stays.
    private func tearLog(_ directory: String, _ random: inout SplitMix) throws -> [String] {
        let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        let logs = names.filter { $0.hasPrefix("metrics.") || $0.hasPrefix("events.") }
        let torn = [
            Data("{\"step\": 3, \"objec".utf8), Data("7,0.25".utf8), Data(count: 200), Data([0xff, 10]),
        ]
        guard let log = logs.randomElement(using: &random), let end = torn.randomElement(using: &random)
        else {
            return []
        }
        let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(log)"))
        try overwrite("\(directory)/\(log)", bytes + end)
        return [log]
    }

    /// Mostly the newest checkpoint, sometimes more, seldom all.
    private func damageCheckpoints(_ directory: String, _ random: inout SplitMix) throws -> [String] {
        let count = [1, 1, 1, 1, 2, 2, 99].randomElement(using: &random) ?? 1
        return try Snapshot(directory).whole.reversed().prefix(count).compactMap { checkpoint in
            let names = try FileManager.default.contentsOfDirectory(atPath: checkpoint).sorted()
            guard let name = names.randomElement(using: &random) else { return nil }
            try damage("\(checkpoint)/\(name)", &random)
            return "\(checkpoint)/\(name)"
        }
    }

    private func damage(_ file: String, _ random: inout SplitMix) throws {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        switch self {
        case .bitFlip:
            let place = Int.random(in: 0..<bytes.count, using: &random)
            bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case .truncation: bytes = bytes.prefix(Int.random(in: 0..<bytes.count, using: &random))
        case .zeroedFile: bytes = Data(count: bytes.count)
        default:
            unlink(file)
            return
        }
        try overwrite(file, bytes)
    }

    private func overwrite(_ path: String, _ bytes: Data) throws {
        try bytes.write(to: URL(fileURLWithPath: path))
    }
}
