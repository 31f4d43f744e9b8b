import Foundation

/// `summary.json`: how a run ended, in the words of `docs/command.md`.
public struct Summary: Codable, Equatable, Sendable {
    public var kind: String
    public var status: String
    public var iterations: Int
    /// Constraints in configuration order: rewards of an alignment, models of a composition.
    public var names: [String]
    /// Tail average, for KL coefficient 1.
    public var multipliers: [Double]
    public var lastMultipliers: [Double]
    public var violations: [Double]
    /// Alignment: mean rewards in the units of their thresholds.
    public var rewards: [Double]?
    public var thresholds: [Double]?
    /// Composition: KLs (or cross-entropies) in nats.
    public var divergences: [Double]?
    /// Composition: u, the largest divergence.
    public var bound: Double?
    public var objective: Double
    public var dualValue: Double
    public var gap: Double
    public var seconds: Double
    public var ranks: Int

    enum CodingKeys: String, CodingKey {
        case kind, status, iterations, names, multipliers
        case lastMultipliers = "last_multipliers"
        case violations, rewards, thresholds, divergences, bound, objective
        case dualValue = "dual_value"
        case gap, seconds, ranks
    }

    public func json() throws -> Data { try sortedJSON(.prettyPrinted) }
}

extension Encodable {
    /// JSON with sorted keys, so that equal values give equal bytes; numbers that are not finite become the
    /// strings "nan", "inf", "-inf".
    func sortedJSON(_ formatting: JSONEncoder.OutputFormatting = []) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [formatting, .sortedKeys]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return try encoder.encode(self)
    }
}

extension Decodable {
    /// Reads what `sortedJSON` writes.
    init(sortedJSON json: Data) throws {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        self = try decoder.decode(Self.self, from: json)
    }
}

extension Summary {
    public init(json: Data) throws { try self.init(sortedJSON: json) }
}
