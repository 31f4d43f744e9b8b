import Foundation
import TensorCore
import WeightFiles

/// Samples of one distribution that a run has left for pictures.
struct SampleSet: Sendable {
    /// What the samples are drawn from.
    enum Role: Hashable, Sendable {
        case model(String)
        /// What an alignment starts from.
        case base
        /// What the result is compared with, such as equal weights.
        case baseline(String)
        case result
    }

    let role: Role
    /// What people read.
    let name: String
    let count: Int
    let dimension: Int
    /// Rows of samples, `[count, dimension]`.
    let values: [Float]

    /// Letters, digits and hyphens, different for different roles.
    func fileName(index: Int) -> String {
        switch role {
        case .model(let name): "model-\(index + 1)-\(Self.plain(name))"
        case .base: "base"
        case .baseline(let name): Self.plain(name)
        case .result: "result"
        }
    }

    private static func plain(_ name: String) -> String {
        String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
    }
}

extension SampleSet {
    static let fileName = "samples.safetensors"
    private static let modelPrefix = "model/"

    /// The sets in a run's `samples.safetensors`: models in the given order, base, baselines, result.
    ///
    /// - Parameter resultName: what the run's own samples are called.
    /// - Throws: `SafetensorsError`; `ReportError.damaged` when a tensor is not `[N, d]` with one d for all.
    static func read(_ path: String, models: [String], resultName: String) throws -> [SampleSet] {
        let file = try SafetensorsFile(path: path)
        let roles = file.entries.map { role(ofTensor: $0.name) }
        let order = models.map(Role.model)
        let ranked = zip(roles, file.entries).sorted { left, right in
            (rank(left.0, order), left.1.name) < (rank(right.0, order), right.1.name)
        }
        let sets = try ranked.map { role, entry in
            try SampleSet(role, entry, in: file, name: name(of: role, resultName))
        }
        guard Set(sets.map(\.dimension)).count <= 1 else {
            throw ReportError.damaged(
                path: path,
                reason: "its tensors have \(sets.map(\.dimension)) columns; expected the same number in all")
        }
        return sets
    }

    private init(_ role: Role, _ entry: SafetensorsEntry, in file: SafetensorsFile, name: String) throws {
        let shape = entry.shape
        guard shape.rank == 2, shape.elementCount > 0 else {
            throw ReportError.damaged(
                path: file.path,
                reason: "tensor \(entry.name) has shape \(shape); expected rows of samples, [N, d]")
        }
        self.init(
            role: role, name: name, count: shape[0], dimension: shape[1],
            values: try file.tensor(entry.name, as: .float32).floats)
    }

    private static func role(ofTensor name: String) -> Role {
        switch name {
        case "samples": .result
        case "base": .base
        case _ where name.hasPrefix(modelPrefix): .model(String(name.dropFirst(modelPrefix.count)))
        default: .baseline(name)
        }
    }

    private static func rank(_ role: Role, _ models: [Role]) -> Int {
        switch role {
        case .model: models.firstIndex(of: role) ?? models.count
        case .base: models.count + 1
        case .baseline: models.count + 2
        case .result: models.count + 3
        }
    }

    private static func name(of role: Role, _ resultName: String) -> String {
        switch role {
        case .model(let name): name
        case .base: baselineName("base")
        case .baseline(let name): baselineName(name)
        case .result: resultName
        }
    }
}
