import Foundation

/// All in a run directory that must not depend on ranks, disturbances and the time of day.
struct Outcome {
    private var files: [String: Data] = [:]

    init() {}

    init(of directory: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            let file = "\(directory)/\(name)"
            switch name {
            case "summary.json", "metrics.jsonl": files[name] = try Outcome.withoutTimes(json: file)
            case "metrics.csv": files[name] = try Outcome.withoutTimes(csv: file)
            case "preparation": try addUnfinished(in: file, name)
            case "conclusion":
                for part in try FileManager.default.contentsOfDirectory(atPath: file) {
                    try addUnfinished(in: "\(file)/\(part)", "\(name)/\(part)")
                }
            // A file STOP may come too late. Other runs have other locks, events and checkpoints set aside.
            case ".lock", "STOP": break
            case _ where name.hasPrefix("events.") || name.contains(".damaged"): break
            case _ where name.hasPrefix("checkpoint-"): files[name] = try Outcome.contents("\(file)/state.h5")
            default: files[name] = try Outcome.contents(file)
            }
        }
    }

    func differences(from expected: Outcome) -> [String] {
        Set(files.keys).union(expected.files.keys).sorted().compactMap { name in
            guard let found = files[name] else { return "no \(name)" }
            guard let wanted = expected.files[name] else { return "\(name) left over" }
            return found == wanted ? nil : "another \(name)"
        }
    }

    /// Which checkpoints there are before and after the iterations depends on the time of day; unfinished ones must
    /// not be left.
    private mutating func addUnfinished(in folder: String, _ name: String) throws {
        for entry in try FileManager.default.contentsOfDirectory(atPath: folder)
        where entry != ".lock" && !entry.hasPrefix("checkpoint-") {
            files["\(name)/\(entry)"] = Data()
        }
    }

    private static func contents(_ path: String) throws -> Data {
        FileManager.default.contents(atPath: path) ?? Data()
    }

    /// Without the members that differ, whose values are numbers.
    private static func withoutTimes(json path: String) throws -> Data {
        let text = String(decoding: try contents(path), as: UTF8.self)
        return Data(text.replacing(/"(seconds|ranks)" ?: ?[-+.e0-9]+/, with: "").utf8)
    }

    /// Without the second column.
    private static func withoutTimes(csv path: String) throws -> Data {
        let lines = String(decoding: try contents(path), as: UTF8.self).split(separator: "\n")
        let kept = lines.map { line in
            line.split(separator: ",").enumerated().filter { $0.offset != 1 }.map(\.element).joined(
                separator: ",")
        }
        return Data(kept.joined(separator: "\n").utf8)
    }
}
