import Foundation

/// Families of β_t, by diffusers' names.
public enum BetaSchedule: String, Sendable, CaseIterable {
    /// β linear in t.  Ho et al. 2020.
    case linear
    /// √β linear in t: the latent diffusion models.
    case scaledLinear = "scaled_linear"
    /// ᾱ_t = cos²((t/T + .008)/1.008 · π/2), β at most .999.  Nichol & Dhariwal 2021, eq. 17.
    case cosine = "squaredcos_cap_v2"

    /// β_0, …, β_{T−1}; the cosine family takes no end points.
    func betas(count: Int, start: Double, end: Double) -> [Double] {
        switch self {
        case .linear: return ramp(start, end, count)
        case .scaledLinear: return ramp(start.squareRoot(), end.squareRoot(), count).map { $0 * $0 }
        case .cosine:
            let signal = { (t: Double) in
                let cosine = cos((t + 0.008) / 1.008 * .pi / 2)
                return cosine * cosine
            }
            return (0..<count).map { t in
                let (from, to) = (Double(t) / Double(count), Double(t + 1) / Double(count))
                return min(1 - signal(to) / signal(from), 0.999)
            }
        }
    }
}

/// `count` numbers evenly spaced from `start` to `end`.
private func ramp(_ start: Double, _ end: Double, _ count: Int) -> [Double] {
    (0..<count).map { start + (end - start) * (count > 1 ? Double($0) / Double(count - 1) : 0) }
}

extension BetaSchedule: Codable {
    /// Accepts diffusers' names and `cosine`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let match = name == "cosine" ? .cosine : BetaSchedule(rawValue: name) else {
            let known = BetaSchedule.allCases.map(\.rawValue).joined(separator: ", ")
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "unknown schedule \"\(name)\"; known: \(known), cosine")
        }
        self = match
    }
}
